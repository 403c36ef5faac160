//! A Microsoft Entra tenant on loopback, for tests and demonstrations.

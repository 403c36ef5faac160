//! Revokes the sign-in sessions of Microsoft Entra ID users: an action for Tipstaff.

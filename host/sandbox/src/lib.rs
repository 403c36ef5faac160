//! Runs an action's component with nothing but what it was granted.

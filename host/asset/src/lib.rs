//! The asset model of Tipstaff: readers and inventory.

//! A form body (`application/x-www-form-urlencoded`), or a query, which is written the same.

use crate::names::push_form_value;

/// Fields, encoded as they are added. Names stand for themselves.
#[derive(Default)]
pub(super) struct Form(String);

impl Form {
    pub(super) fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        push_form_value(&mut self.0, value);
    }

    pub(super) fn into_body(self) -> Vec<u8> {
        self.0.into_bytes()
    }

    pub(super) fn as_query(&self) -> &str {
        &self.0
    }
}

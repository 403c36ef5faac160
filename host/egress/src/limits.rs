//! How much one session may ask of the network and of the host's memory.

/// Bounds of a session. The defaults are far above what an ordinary run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests, refused ones too.
    pub requests: u64,
    /// Bytes of bodies sent.
    pub bytes_out: u64,
    /// Bytes of bodies received.
    pub bytes_in: u64,
    /// Requests that are on the way at once.
    pub in_flight: usize,
    /// Requests that are on the way or wait for their turn; more are refused.
    pub waiting: usize,
    /// Bytes of one request's body.
    pub request_body: usize,
    /// Bytes of one answer's body.
    pub answer_body: usize,
    /// Bytes of one request's path and query.
    pub target: usize,
    /// Header lines of one request.
    pub headers: usize,
    /// Bytes of one request's header names and values.
    pub header_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: 10_000_000,
            bytes_out: 64 << 30,
            bytes_in: 64 << 30,
            in_flight: 64,
            waiting: 4096,
            request_body: 4 << 20,
            answer_body: 8 << 20,
            target: 8 << 10,
            headers: 64,
            header_bytes: 32 << 10,
        }
    }
}

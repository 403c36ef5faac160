// Lets Microsoft's host names stand for the emulator, in this process only.
//
// Node loads this before anything else (NODE_OPTIONS=--require); the clients know nothing of it. Names that are not
// emulated do not resolve, so that no client can reach anything else.

const net = require('node:net');

const names = new Set(process.env.EMULATED_HOSTS.split(','));
const port = Number(process.env.EMULATED_PORT);
const loopback = new Set(['127.0.0.1', 'localhost', '::1', undefined]);

const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...given) {
  // Node's own modules hand over the options and the listener in one list.
  const [options] = Array.isArray(given[0]) ? given[0] : given;
  if (typeof options === 'object' && !options.path) {
    if (names.has(options.host)) {
      // TLS was told the server's name before, so the certificate is still checked against it.
      options.host = '127.0.0.1';
      options.port = port;
    } else if (!loopback.has(options.host)) {
      const error = new Error(`\`${options.host}\` is not emulated`);
      error.code = 'ENOTFOUND';
      process.nextTick(() => this.destroy(error));
      return this;
    }
  }
  return connect.apply(this, given);
};

// The WebSocket: envelopes opened, pictures numbered, and a server that went away and comes back.

const DTYPES = { uint8: Uint8Array, float32: Float32Array };

export function opened(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  let at = 4 + length;
  for (const { name, dtype, shape } of head.arrays) {
    const data = new DTYPES[dtype](buffer, at, shape.reduce((a, b) => a * b, 1));
    arrays[name] = { data, shape };
    at += data.byteLength + (-data.byteLength & 3);
  }
  return { ...head, arrays };
}

export class Connection {
  constructor(on) {
    this.on = on;                       // {hello, frame, ...: called with each message; lost(tries, why)}
    this.sent = 0;                      // number of the last picture that went out
    this.answered = 0;                  // and of the last that came back
    this.tries = 0;
    this.closed = false;                // by the page: then it is not opened again
    this.open();
  }

  open() {
    // beside the page, whatever stands before its address: a proxy may serve it under any path
    this.socket = new WebSocket(new URL("socket", document.baseURI).href.replace(/^http/, "ws"));
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => {
      const message = typeof data === "string" ? JSON.parse(data) : opened(data);
      if (message.type === "hello") {
        this.answered = this.sent;
        const again = this.tries > 0;
        this.tries = 0;
        this.on.hello(message, again);
      } else if (message.type === "error" && message.about === "connection") {
        this.refused = message.message;
      } else {
        if (message.type === "frame") this.answered = Math.max(this.answered, message.number);
        if (message.type === "error" && message.about === "picture") this.answered = this.sent;
        this.on[message.type]?.(message);
      }
    };
    this.socket.onclose = () => {
      if (this.closed) return;
      this.tries += 1;
      this.answered = this.sent;
      this.on.lost(this.tries, this.refused);
      setTimeout(() => this.open(), this.refused ? 4000 : Math.min(4000, 250 * 2 ** Math.min(this.tries, 5)));
      this.refused = null;
    };
  }

  close() {
    this.closed = true;
    this.socket.close();
  }

  get ready() { return this.socket.readyState === WebSocket.OPEN; }

  get inFlight() { return this.sent - this.answered; }

  // Whether it could be sent.
  send(message) {
    if (this.ready) this.socket.send(JSON.stringify(message));
    return this.ready;
  }

  // Send a picture, the bytes of its file, under the next number.
  show(file, number) {
    const message = new Uint8Array(4 + file.length);
    new DataView(message.buffer).setUint32(0, number, true);
    message.set(file, 4);
    if (this.ready) this.socket.send(message);
  }
}

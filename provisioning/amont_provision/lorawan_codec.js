// Shows what stands in clear on a sealed frame of Amont: node, type, counter, size. The body stays
// sealed; who carries it cannot read it. For ChirpStack 4 and The Things Stack 3, old JavaScript.

var FPORT = 10;
var VERSION = 1;
var HEADER = 7;
var TAG = 8;
var MAX_FRAME = 51;
var UPLINKS = { 1: "samples", 2: "urgent", 3: "health", 4: "hello", 5: "progress" };
var DOWNLINKS = { 8: "ack", 9: "time", 10: "config", 11: "resend", 12: "update" };

function header(input, types) {
  var bytes = input.bytes;
  if (input.fPort !== FPORT) {
    return { errors: ["port " + input.fPort + ", sealed frames use " + FPORT] };
  }
  if (bytes.length < HEADER + 1 + TAG || bytes.length > MAX_FRAME) {
    return { errors: [bytes.length + " bytes, a frame has 16 to " + MAX_FRAME] };
  }
  if (bytes[0] >> 4 !== VERSION) {
    return { errors: ["version " + (bytes[0] >> 4) + ", this shows version " + VERSION] };
  }
  var type = types[bytes[0] & 15];
  var node = bytes[1] + 256 * bytes[2];
  var counter = bytes[3] + 256 * (bytes[4] + 256 * (bytes[5] + 256 * bytes[6]));
  if (type === undefined) {
    return { errors: ["type " + (bytes[0] & 15) + " does not go this way"] };
  }
  if (node === 0 || node === 65535) {
    return { errors: ["node " + node + " is nobody"] };
  }
  return {
    data: {
      version: VERSION,
      type: type,
      node: node,
      counter: counter,
      size: bytes.length,
      sealed: bytes.length - HEADER - TAG,
    },
    warnings: [],
    errors: [],
  };
}

function decodeUplink(input) {
  return header(input, UPLINKS);
}

function decodeDownlink(input) {
  return header(input, DOWNLINKS);
}

// Downlinks are made and sealed by the guard alone: {"bytes": [...]} passes as it is.
function encodeDownlink(input) {
  var bytes = input.data && input.data.bytes;
  if (!bytes || !bytes.length) {
    return { errors: ["only the guard seals downlinks; give bytes"] };
  }
  return { bytes: bytes, fPort: FPORT, warnings: [], errors: [] };
}

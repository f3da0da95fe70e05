/** Price predictions from a Tickcast server. The messages are in `@tickcast/client/v1/*`. */

export { Code } from "@connectrpc/connect";
export {
  type ClientOptions,
  type PredictionEvent,
  type PriceEvent,
  TickcastClient,
} from "./client.js";
export { TickcastError, type Violation } from "./errors.js";
export { EventStream, type StreamOptions } from "./event_stream.js";

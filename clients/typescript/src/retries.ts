import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { TickcastError } from "./errors.js";

const ATTEMPTS = 4;
const FIRST_WAIT_MS = 100;

/**
 * Makes unary calls again that found no server, up to four times in all, within their deadline: by the
 * same rule as gRPC clients have from `service_config.json`. Every method can be repeated safely.
 */
export const retries: Interceptor = (next) => async (request) => {
  if (request.stream) {
    return next(request);
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await next(request);
    } catch (thrown) {
      const error = TickcastError.from(thrown);
      if (error.code !== Code.Unavailable || attempt === ATTEMPTS || request.signal.aborted) {
        throw ConnectError.from(thrown);
      }
      // Clients that lost the same server at once do not come back at once.
      const wait = FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
      await new Promise((resolve) => setTimeout(resolve, Math.max(wait, error.retryAfterMs ?? 0)));
    }
  }
};

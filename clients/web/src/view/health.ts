import type { Connection, ConnectionState } from "../logic/connection.js";
import { age } from "../logic/format.js";
import { find, say } from "./find.js";

const WORDS: Readonly<Record<ConnectionState, string>> = {
  connecting: "Connecting",
  serving: "Serving",
  reconnecting: "Reconnecting",
  away: "Away",
};

/** Whether the server is there. */
export class HealthView {
  readonly #pill = find("#health", HTMLElement);
  readonly #word = find("#health-word", HTMLElement);
  readonly #outage = find("#outage", HTMLElement);

  show(connection: Connection): void {
    const { state, outageMs } = connection;
    this.#pill.dataset["state"] = state;
    say(this.#word, WORDS[state]);
    this.#outage.hidden = state !== "away";
    if (outageMs !== undefined) {
      say(
        this.#outage,
        `The server has been away for ${age(outageMs / 1_000)}. What is shown is from before; ` +
          "this page tries again by itself and goes on where it was.",
      );
    }
  }
}

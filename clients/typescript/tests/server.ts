import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A real server of the project's own environment: see tests/serve_for_clients.py. */
export class Server {
  private constructor(
    private readonly process: ChildProcessWithoutNullStreams,
    private readonly lines: AsyncIterator<string, undefined>,
    private readonly reading: Interface,
    readonly baseUrl: string,
  ) {}

  static async start(): Promise<Server> {
    const process = spawn(".venv/bin/python", ["-m", "tests.serve_for_clients"], { cwd: ROOT });
    let log = "";
    process.stderr.on("data", (data: Buffer) => {
      log += data.toString();
    });
    const reading = createInterface(process.stdout);
    const lines: AsyncIterator<string, undefined> = reading[Symbol.asyncIterator]();
    for (;;) {
      const { value } = await lines.next();
      if (value === undefined) {
        throw new Error(`the server did not start:\n${log}`);
      }
      // Between them are lines of its log.
      if (value.startsWith("ready ")) {
        return new Server(process, lines, reading, `http://${value.slice("ready ".length)}`);
      }
    }
  }

  /** Stores the next bar of each symbol. */
  bar(): Promise<void> {
    return this.#say("bar");
  }

  /** Stops it and starts it again on its address, with what it has stored. */
  restart(): Promise<void> {
    return this.#say("restart");
  }

  /** Takes its only model away; it notices by itself. */
  removeModel(): Promise<void> {
    return this.#say("remove-model");
  }

  /** Gives the model back. */
  addModel(): Promise<void> {
    return this.#say("add-model");
  }

  async stop(): Promise<void> {
    const ended = once(this.process, "exit");
    this.process.stdin.end();
    this.reading.resume();
    await ended;
  }

  async #say(word: string): Promise<void> {
    this.process.stdin.write(`${word}\n`);
    for (;;) {
      const { value } = await this.lines.next();
      if (value === undefined) {
        throw new Error(`the server ended before it had done: ${word}`);
      }
      if (value === "done") {
        return;
      }
    }
  }
}

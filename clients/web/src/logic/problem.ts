import type { TickcastError } from "@tickcast/client";

/** What is wrong, and what to do about it. */
export interface Problem {
  readonly title: string;
  readonly advice: string;
}

export const NO_MODEL: Problem = {
  title: "This server has no model that predicts prices.",
  advice:
    "Train one with ‘tickcast train --source csv bars/ --name mine --promote’ into the server’s " +
    "model repository. This page notices it by itself.",
};

/** `chosen` is the name of a model or of a version. */
export function noVersion(chosen: string): Problem {
  return {
    title: chosen.includes("/versions/")
      ? `This server does not hold ${chosen}.`
      : `No version of ${chosen} that predicts prices is loaded.`,
    advice: "Choose another above; ‘tickcast models’ says what the server holds, and why not more.",
  };
}

export function noSymbols(timeframe: string): Problem {
  return {
    title: `No symbol has bars of ${timeframe} yet, which the model needs.`,
    advice:
      "Send some with ‘tickcast replay --source csv bars/’ or IngestBars. They appear here by " +
      "themselves.",
  };
}

export const STORE_REPLACED: Problem = {
  title: "The server’s store was replaced.",
  advice: "What is shown has been read anew from the one that is there now.",
};

/** What the reasons of docs/errors.md mean for who looks at the page: in a row, and to do. */
const KNOWN: Readonly<Record<string, { readonly short: string; readonly advice: string }>> = {
  TOO_FEW_BARS: {
    short: "too few bars",
    advice:
      "Its prediction begins when enough bars have closed; older bars cannot be added behind.",
  },
  PREDICTION_OUTDATED: {
    short: "outdated",
    advice: "Newer bars should have come: see whether the feed that sends them still runs.",
  },
  CROSS_SECTION_INCOMPLETE: {
    short: "peers missing",
    advice: "The model compares symbols: it predicts once the bars of the others are there.",
  },
  MODEL_NOT_FOUND: { short: "no model", advice: "Choose another model above." },
  MODEL_VERSION_NOT_FOUND: { short: "no version", advice: "Choose another version above." },
  MODEL_VERSION_NOT_READY: {
    short: "not loaded",
    advice: "Choose another version above; ‘tickcast models’ says why this one was refused.",
  },
  MODEL_WITHOUT_MANIFEST: {
    short: "no manifest",
    advice: "It answers to the Open Inference Protocol alone. Choose another model above.",
  },
  TOO_MANY_STREAMS: {
    short: "too many streams",
    advice: "Close other pages of this server, or raise TICKCAST_STREAM__MOST.",
  },
  STORE_UNAVAILABLE: {
    short: "store away",
    advice: "The server tries again by itself; its log says more.",
  },
};

/** A refusal in the words of the server, with what to do. */
export function problemOf(error: TickcastError): Problem {
  const advice =
    KNOWN[error.reason]?.advice ??
    (error.requestId ? `The server’s log has more under the request id ${error.requestId}.` : "");
  const title = error.message.charAt(0).toUpperCase() + error.message.slice(1);
  return { title: title.endsWith(".") ? title : `${title}.`, advice };
}

/** A refusal in two words, for a row. */
export function shortly(error: TickcastError): string {
  return (
    KNOWN[error.reason]?.short ?? (error.reason.toLowerCase().replaceAll("_", " ") || "refused")
  );
}

import type { Desk } from "../desk/desk.js";
import { problemOf } from "../logic/problem.js";
import { find } from "./find.js";
import { HealthView } from "./health.js";
import { ModelPicker } from "./model_picker.js";
import { NoticeView } from "./notice.js";
import { PriceChart } from "./price_chart.js";
import { QuoteView } from "./quote.js";
import { RecordView } from "./record.js";
import { SymbolList } from "./symbol_list.js";
import { ThemeSwitch } from "./theme.js";

/** What a reader can do. */
export interface Actions {
  readonly choose: (model: string) => void;
  readonly select: (symbol: string) => void;
  /** Something is to be drawn anew. */
  readonly changed: () => void;
}

/** All parts of the page. */
export class Page {
  readonly #body = find("main", HTMLElement);
  readonly #health = new HealthView();
  readonly #problem = new NoticeView("#problem");
  readonly #refusal = new NoticeView("#refusal");
  readonly #quote = new QuoteView();
  readonly #chart = new PriceChart();
  readonly #record = new RecordView();
  readonly #models: ModelPicker;
  readonly #list: SymbolList;

  constructor({ choose, select, changed }: Actions) {
    this.#models = new ModelPicker(choose);
    this.#list = new SymbolList(select, changed);
    new ThemeSwitch(() => {
      this.#chart.paint();
    });
  }

  show(desk: Desk): void {
    const { symbols, selected, study, models, problem } = desk;
    this.#health.show(desk.connection);
    this.#models.show(models);
    this.#problem.show(problem);
    this.#body.hidden = !symbols || symbols.names.length === 0;
    const state = selected === undefined ? undefined : symbols?.state(selected);
    const refusal = state?.refusal ?? study?.refusal;
    this.#refusal.show(refusal && problemOf(refusal));
    this.#list.show(symbols, selected);
    this.#quote.show(state, symbols?.timeframe ?? "", desk.now);
    this.#chart.show(study);
    this.#record.show(study, models.version);
  }
}

import "./styles/page.css";
import { TickcastClient } from "@tickcast/client";
import { Desk } from "./desk/desk.js";
import { shownInAddress, wantedByAddress } from "./view/address.js";
import { onceAFrame } from "./view/once_a_frame.js";
import { Page } from "./view/page.js";

/** Ages and outages grow by themselves. */
const TICK_MS = 1_000;

const draw = onceAFrame(() => {
  page.show(desk);
  shownInAddress(desk);
});
const desk = new Desk(new TickcastClient({ baseUrl: location.origin }), wantedByAddress(), draw);
const page = new Page({
  choose: (model) => {
    desk.choose(model);
  },
  select: (symbol) => {
    desk.select(symbol);
  },
  changed: draw,
});
desk.open();
setInterval(draw, TICK_MS);

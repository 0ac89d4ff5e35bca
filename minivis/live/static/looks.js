// Where the place under the pointer really looks: the server is asked when the pointer rests, and again as pictures go on.

const REST = 120;                       // ms that the pointer rests on a place
const AGAIN = 400;                      // ms until a moving picture is asked about again

export class Looks {
  // ``ask(unit)``: of the server; ``changed()``: an answer has come.
  constructor({ ask, changed }) { Object.assign(this, { ask, changed, unit: null, box: null, asked: 0, timer: null }); }

  // The box of a unit at a place, as a text, in frame ``number``; null while it is not known.
  of(unit, number) {
    const isNew = unit !== this.unit;
    if (isNew) { this.unit = unit; this.box = null; clearTimeout(this.timer); this.timer = null; }
    if (unit && !this.timer && (isNew || number !== this.number)) {
      this.number = number;
      this.timer = setTimeout(() => { this.timer = null; this.ask(unit); }, isNew ? REST : AGAIN);
    }
    return this.box;
  }

  answer({ unit, box }) {
    if (unit !== this.unit) return;
    this.box = box;
    this.changed();
  }
}

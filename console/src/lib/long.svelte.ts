/**
 * Rows in an order, each once: the first ones, which come anew now and then, and those behind them, which grow at their end. What it costs to
 * add some, or to look at some, does not hang on how many there are.
 */
export class LongList<T> {
  #first: T[] = [];
  #further: T[] = [];
  #known = new Map<string, T>();
  /** Counts changes, for who looks at rows. */
  #version = $state(0);
  #changes = 0;

  constructor(readonly id: (row: T) => string) {}

  get length(): number {
    void this.#version;
    return this.#first.length + this.#further.length;
  }

  /** The row of this id. */
  get(id: string): T | undefined {
    void this.#version;
    return this.#known.get(id);
  }

  /** The ids of all, in no order. */
  ids(): Iterable<string> {
    void this.#version;
    return this.#known.keys();
  }

  /** The rows from one place up to another. */
  slice(from = 0, to = Number.MAX_SAFE_INTEGER): T[] {
    void this.#version;
    const before = this.#first.length;
    return [...this.#first.slice(from, to), ...this.#further.slice(Math.max(0, from - before), Math.max(0, to - before))];
  }

  /** Adds rows behind all others. */
  append(rows: T[]): void {
    for (const row of rows) {
      const id = this.id(row);
      if (this.#known.has(id)) continue;
      this.#known.set(id, row);
      this.#further.push(row);
    }
    this.#changed();
  }

  /** Has other first rows. With `keep` those that gave way to newer ones come before the further rows. */
  renew(rows: T[], keep: boolean): void {
    const now = new Map(rows.map((row) => [this.id(row), row]));
    const came = rows.filter((row) => !this.#known.has(this.id(row))).length;
    const old = new Set(this.#first.map(this.id));
    // What moved up is where it was no more.
    if ([...now.keys()].some((id) => this.#known.has(id) && !old.has(id))) {
      this.#further = this.#further.filter((row) => !now.has(this.id(row)));
    }
    const out: T[] = [];
    for (const row of keep ? this.#first.toReversed() : []) {
      if (out.length === came || now.has(this.id(row))) break;
      out.unshift(row);
    }
    for (const id of old) this.#known.delete(id);
    for (const row of [...out, ...now.values()]) this.#known.set(this.id(row), row);
    if (out.length > 0) this.#further.unshift(...out);
    this.#first = [...now.values()];
    this.#changed();
  }

  /** Takes rows out. */
  drop(ids: Iterable<string>): void {
    const gone = new Set(ids);
    for (const id of gone) this.#known.delete(id);
    const stays = (row: T): boolean => !gone.has(this.id(row));
    this.#first = this.#first.filter(stays);
    this.#further = this.#further.filter(stays);
    this.#changed();
  }

  clear(): void {
    this.#known.clear();
    this.#first = [];
    this.#further = [];
    this.#changed();
  }

  #changed(): void {
    // Not read: who changes it does not look at it.
    this.#version = ++this.#changes;
  }
}

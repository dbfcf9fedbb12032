// SPDX-License-Identifier: Apache-2.0
// A progress line for long work: on standard error, only on a terminal, drawn at most ten times a second.

const WIDTH = 30;
const REDRAW_MS = 100;

export class Progress {
  private lastDrawn = 0;
  private drawn = false;

  /** `total` in the unit of `update`; 0 when it isn't known. With `enabled` false nothing is ever drawn. */
  constructor(
    private readonly label: string,
    private readonly total: number,
    private readonly enabled: boolean,
    private readonly stream: NodeJS.WriteStream = process.stderr,
  ) {}

  update(done: number, text: string): void {
    if (!this.enabled) return;
    const now = Date.now();
    if (now - this.lastDrawn < REDRAW_MS) return;
    this.lastDrawn = now;
    this.drawn = true;
    const share = this.total === 0 ? 0 : Math.min(1, done / this.total);
    const full = Math.round(share * WIDTH);
    const bar =
      this.total === 0 ? '' : ` [${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${Math.floor(share * 100)}%`;
    this.stream.write(`\r\x1b[K${this.label}${bar} ${text}`);
  }

  /** Clears the line, so that what follows starts on an empty one. */
  end(): void {
    if (this.drawn) this.stream.write('\r\x1b[K');
    this.drawn = false;
  }
}

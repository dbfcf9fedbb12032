// SPDX-License-Identifier: Apache-2.0
// Splits one rule line into words as iptables-restore does (iptables-restore(8); libxtables' quoting):
// blanks, tabs and newlines separate; a double quote may open anywhere in a word and ends the word where it
// closes (`a"b c"d` is `ab c` and `d`); a backslash escapes only inside quotes; `""` is an empty word. This is
// the scanner of both the grammar and the fast path, so it allocates nothing per word: offsets go into arrays
// that are reused for every line.

/** iptables-restore keeps 254 words a line, three of them its own. */
export const MAX_WORDS = 251;
/** Bytes of one word after unquoting. */
export const MAX_WORD_LENGTH = 1023;

const NEWLINE = 10;
const TAB = 9;
const BLANK = 32;
const QUOTE = 34;
const BACKSLASH = 92;

/** Word flag. */
export const QUOTED = 1;

export type SplitTrouble = 'too-many-words' | 'word-too-long' | undefined;

/** The words of one stretch of text, as offsets into it. */
export class Words {
  count = 0;
  /** Offset of a word's first character, its quote included. */
  readonly start = new Int32Array(MAX_WORDS);
  /** Offset behind its last character. */
  readonly end = new Int32Array(MAX_WORDS);
  readonly flags = new Uint8Array(MAX_WORDS);
  /** The last word's quote is still open at the end of the text. */
  unterminated = false;
  text = '';

  /** Splits `text[from, to)`. On trouble, `count` is the number of whole words before it. */
  split(text: string, from: number, to: number): SplitTrouble {
    this.text = text;
    this.count = 0;
    this.unterminated = false;
    let at = from;
    while (at < to) {
      const code = text.charCodeAt(at);
      if (code === BLANK || code === TAB || code === NEWLINE) {
        at++;
        continue;
      }
      if (this.count === MAX_WORDS) return 'too-many-words';
      const end = this.scanWord(at, to);
      if (end < 0) return 'word-too-long';
      at = end;
    }
    return undefined;
  }

  /** Records the word at `at`; returns the offset behind it, -1 when too long. */
  private scanWord(at: number, to: number): number {
    const text = this.text;
    let flags = 0;
    let length = 0;
    let open = false;
    let closed = false;
    let i = at;
    for (; i < to && !closed; i++) {
      const code = text.charCodeAt(i);
      if (open) {
        if (code === QUOTE) closed = true;
        else {
          if (code === BACKSLASH) i++;
          if (i < to) length++;
        }
        continue;
      }
      if (code === QUOTE) {
        open = true;
        flags |= QUOTED;
        continue;
      }
      if (code === BLANK || code === TAB || code === NEWLINE) break;
      length++;
    }
    if (length > MAX_WORD_LENGTH) return -1;
    const end = Math.min(i, to);
    this.unterminated = open && !closed;
    // Of an open quote with nothing behind it nothing is left.
    if (length > 0 || closed) {
      this.start[this.count] = at;
      this.end[this.count] = end;
      this.flags[this.count] = flags;
      this.count++;
    }
    return end;
  }

  /** The word as iptables sees it, quotes and escapes removed. */
  word(index: number): string {
    const raw = this.raw(index);
    return (this.flags[index]! & QUOTED) === 0 ? raw : unquote(raw);
  }

  /** The word as it stands. */
  raw(index: number): string {
    return this.text.slice(this.start[index]!, this.end[index]!);
  }
}

function unquote(raw: string): string {
  let out = '';
  let open = false;
  for (let i = 0; i < raw.length; i++) {
    const char = raw[i]!;
    if (char === '"') open = !open;
    else if (open && char === '\\') {
      i++;
      if (i < raw.length) out += raw[i]!;
    } else out += char;
  }
  return out;
}

// SPDX-License-Identifier: Apache-2.0
// Waivers: `--waive CODE[@table/CHAIN[:N]]` accepts what is not exact, by name. A waived rule is left out of
// the program, the waiver stands in the program's header and in the report; the reference side never changes.

export interface Waiver {
  /** As given. */
  readonly text: string;
  readonly code: string;
  readonly table?: string;
  readonly chain?: string;
  /** 1-based rule number in the chain. */
  readonly number?: number;
}

/** Something that a waiver may cover. */
export interface Waivable {
  readonly code?: string;
  readonly table?: string;
  readonly chain?: string;
  readonly number?: number;
}

const FORM = /^(IPT\d{4})(?:@([^/\s]+)\/([^\s:]+)(?::(\d+))?)?$/;

/** Undefined when the text has not the form of a waiver. */
export function parseWaiver(text: string): Waiver | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, code, table, chain, number] = match;
  return {
    text,
    code: code!,
    ...(table !== undefined && { table }),
    ...(chain !== undefined && { chain }),
    ...(number !== undefined && { number: Number(number) }),
  };
}

export function covers(waiver: Waiver, one: Waivable): boolean {
  return (
    waiver.code === one.code &&
    (waiver.table === undefined || waiver.table === one.table) &&
    (waiver.chain === undefined || waiver.chain === one.chain) &&
    (waiver.number === undefined || waiver.number === one.number)
  );
}

/** The waivers of one run, which remembers those that covered something. */
export class Waivers {
  private readonly used = new Set<Waiver>();

  constructor(readonly all: readonly Waiver[]) {}

  /** The first waiver that covers it. */
  find(one: Waivable): Waiver | undefined {
    const found = this.all.find((waiver) => covers(waiver, one));
    if (found !== undefined) this.used.add(found);
    return found;
  }

  /** Waivers that covered nothing: misspelt, or no longer needed. */
  unused(): readonly Waiver[] {
    return this.all.filter((waiver) => !this.used.has(waiver));
  }
}

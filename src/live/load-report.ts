// SPDX-License-Identifier: Apache-2.0
// What `load` did, as data: the command prints it, --json as it is.
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { Waiver } from '../ruleset/waivers.js';
import { enforce, type EnforceOptions } from './enforce.js';
import type { Guard } from './guard/guard-text.js';
import type { GuardResult } from './guard/prove.js';
import { load } from './load.js';
import { withLock } from './lock.js';
import { requireRoot } from './machine.js';
import type { Seeded } from './seed.js';
import type { Mode, SavedRules } from './places.js';

export interface LoadReport {
  readonly ok: boolean;
  readonly diagnostics: readonly Diagnostic[];
  /** What was done besides, and what is to know, as sentences. */
  readonly notes: readonly string[];
  /** SHA-256 of the program; absent when refused, as what follows. */
  readonly digest?: string;
  readonly mode?: Mode;
  readonly interfaces: readonly string[];
  /** Tables that iptables no longer holds: `ipv4 filter (legacy)`. */
  readonly emptied: readonly string[];
  readonly rollback: { readonly deadline: string; readonly seconds: number } | null;
  /** As given, each with what is proven of it, or what stands against it. */
  readonly guards: readonly GuardResult[];
  /** Connections older than the load; null where programs use the kernel's own, or decided before. */
  readonly connections: Omit<Seeded, 'notes'> | null;
}

/** `options`: to enforce; `guarded`: to be proven first. Throws EnvironmentError. */
export async function loadAndEnforce(
  folder: string,
  waivers: readonly Waiver[],
  options: EnforceOptions | undefined,
  guarded: readonly Guard[] = [],
): Promise<LoadReport> {
  requireRoot();
  return withLock(async () => {
    const loaded = await load(folder, waivers, guarded);
    const { ok, diagnostics, notes, guards } = loaded;
    if (!loaded.ok)
      return {
        ok,
        diagnostics,
        notes,
        interfaces: [],
        emptied: [],
        rollback: null,
        guards,
        connections: null,
      };
    const { attached, migration } = loaded;
    const enforced = options === undefined ? undefined : await enforce(migration, options);
    const state = enforced?.state ?? loaded.state;
    const seeded = enforced?.seeded ?? loaded.seeded;
    return {
      ok,
      diagnostics,
      notes: [
        ...notes,
        ...attached.bare.map((why) => `not attached: ${why}`),
        ...attached.notes,
        ...(seeded?.notes ?? []),
        ...(enforced?.again === true ? ['it enforced before, and is confirmed: nothing has changed'] : []),
      ],
      guards,
      digest: state.digest,
      mode: state.mode,
      interfaces: state.interfaces,
      emptied: emptiedTables(state.saved),
      rollback: state.rollback && { deadline: state.rollback.deadline, seconds: state.rollback.seconds },
      connections:
        seeded === undefined
          ? null
          : { carried: seeded.carried, left: seeded.left, leftFirst: seeded.leftFirst },
    };
  });
}

export function emptiedTables(saved: readonly SavedRules[]): string[] {
  return saved.flatMap(({ family, backend, tables }) =>
    tables.map((table) => `${family} ${table} (${backend})`),
  );
}

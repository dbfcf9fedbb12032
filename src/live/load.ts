// SPDX-License-Identifier: Apache-2.0
// `load`: from a migration folder to attached programs that observe. In this order, so that a crash leaves either
// what was or what is to be: programs and maps below a name of their own, the rename, the filters, the state.
// Until the state is written everything observes, and the next load takes such remains away.
import { existsSync } from 'node:fs';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { EnvironmentError } from '../diagnostics/diagnostic.js';
import { updateElement } from '../kernel/bpf.js';
import { loadObject } from '../kernel/load.js';
import { observingConfig } from '../migrate/loader-script.js';
import { readObject } from '../object/object.js';
import { Waivers, type Waiver } from '../ruleset/waivers.js';
import { lacking } from '../kernel/feature.js';
import type { AttachKind } from '../program/attach-kind.js';
import { attachMissing, LOADED_KINDS, type Attached } from './attach.js';
import type { Guard } from './guard/guard-text.js';
import { guardDiagnostic, proveGuard, type GuardResult } from './guard/prove.js';
import { hostDifferences, readRunningHost } from './host-check.js';
import { networkNamespace, requireMachine } from './machine.js';
import { keepMigration, readMigration, type LoadedMigration } from './migration.js';
import { pinAll, readMode } from './pins.js';
import { readState, SCRIPT_FILE, writeState, type LiveState } from './places.js';
import { isAlive, startDetached } from './processes.js';
import { recover } from './recover.js';
import { seedConnections, type Seeded } from './seed.js';

/** Refused: `diagnostics` say why, and nothing has changed. */
export type LoadResult =
  | {
      readonly ok: false;
      readonly diagnostics: readonly Diagnostic[];
      readonly notes: readonly string[];
      readonly guards: readonly GuardResult[];
    }
  | {
      readonly ok: true;
      readonly diagnostics: readonly Diagnostic[];
      /** What was done besides, as sentences. */
      readonly notes: readonly string[];
      /** All proven. */
      readonly guards: readonly GuardResult[];
      readonly state: LiveState;
      readonly attached: Attached;
      /** Undefined where programs use the kernel's connections, or decide already. */
      readonly seeded: Seeded | undefined;
      readonly migration: LoadedMigration;
    };

/** Call with the lock held. Throws EnvironmentError for what the machine or the folder lacks. */
export async function load(
  folder: string,
  accepted: readonly Waiver[],
  guarded: readonly Guard[],
): Promise<LoadResult> {
  requireMachine();
  const migration = await readMigration(folder);
  requireKinds(migration.attach);
  const notes = await recover();
  const before = readState();
  refuseOther(migration, before);
  const waivers = new Waivers(accepted);
  const compareRules = before === undefined || before.saved.length === 0;
  const differences = hostDifferences(migration, readRunningHost(), compareRules)
    .filter((each) => waivers.find({ ...each, code: each.diagnostic.code }) === undefined)
    .map(({ diagnostic }) => diagnostic);
  const { model, input, leftTables } = migration;
  const guards = guarded.map((guard) =>
    proveGuard(guard, { model, leftTables, ruleset: input.ruleset, host: input.host }),
  );
  const diagnostics = [...differences, ...guards.map(guardDiagnostic).filter((each) => each !== undefined)];
  if (diagnostics.length > 0) return { ok: false, diagnostics, notes, guards };
  for (const { text } of waivers.unused()) notes.push(`waiver ${text} accepts nothing here`);
  if (before === undefined) makePins(migration);
  const attached = attachMissing(migration.model, migration.attach);
  const seeded =
    migration.attach.includes('tc') && readMode() === 'observe'
      ? seedConnections(migration.model)
      : undefined;
  const watcher = isAlive(before?.watcher) ? before!.watcher : await startDetached('watcher-process');
  const state: LiveState = {
    version: 1,
    digest: migration.digest,
    network: networkNamespace(),
    mode: 'observe',
    since: new Date().toISOString(),
    attach: migration.attach,
    rollback: null,
    saved: [],
    ...before,
    interfaces: attached.interfaces,
    watcher,
  };
  writeState(state);
  return { ok: true, diagnostics, notes, guards, state, attached, seeded, migration };
}

function requireKinds(kinds: readonly AttachKind[]): void {
  const foreign = kinds.find((kind) => !LOADED_KINDS.includes(kind));
  if (foreign !== undefined)
    throw new EnvironmentError(`programs for \`${foreign}\` are not loaded by \`load\``);
  const lack = kinds.includes('netfilter') ? lacking('netfilter-programs') : undefined;
  if (lack !== undefined) throw new EnvironmentError(lack, ['migrate with --attach tc']);
  const lackXdp = kinds.includes('xdp') ? lacking('xdp-programs') : undefined;
  if (lackXdp !== undefined) throw new EnvironmentError(lackXdp, ['migrate with --attach tc']);
}

/** A second set of programs beside the first would leave one of them half attached: unload comes first. */
function refuseOther(migration: LoadedMigration, before: LiveState | undefined): void {
  if (existsSync(SCRIPT_FILE))
    throw new EnvironmentError('a program that load.sh loaded is attached', ['ipt2ebpf unload']);
  if (before === undefined) return;
  if (before.network !== networkNamespace())
    throw new EnvironmentError('programs are loaded in another network namespace', [
      'unload them there first: pins and state are shared',
    ]);
  if (before.digest !== migration.digest)
    throw new EnvironmentError(
      `another program is loaded (SHA-256 ${before.digest}, since ${before.since}, mode ${before.mode})`,
      ['ipt2ebpf unload, which restores iptables first where it was emptied, then load again'],
    );
}

function makePins(migration: LoadedMigration): void {
  const loaded = loadObject(readObject(migration.object));
  try {
    const config = loaded.maps.get('config');
    if (config === undefined) throw new EnvironmentError('program.o has no map `config`: migrate again');
    updateElement(config.fd, Buffer.alloc(4), observingConfig(migration.model, migration.input.host));
    keepMigration(migration);
    pinAll(loaded);
  } finally {
    loaded.close();
  }
}

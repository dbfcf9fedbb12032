// SPDX-License-Identifier: Apache-2.0
// Ruleset + host -> object: lower, compile to a table, write C, compile it. The same input gives the same bytes.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { CompiledTable } from '../decision/compile.js';
import { compileModel } from '../decision/compile.js';
import type { Host } from '../host/host.js';
import { lower } from '../model/lower.js';
import type { Model } from '../model/model.js';
import { compileC } from '../object/clang.js';
import { PACKAGE_ROOT } from '../package-root.js';
import type { LeftTables } from '../ruleset/attach-view.js';
import type { Ruleset } from '../ruleset/ruleset.js';
import { DEFAULT_ATTACH, type AttachKind } from './attach-kind.js';
import { DEFAULT_CONNECTIONS, programSource, TABLE_FILE } from './program-source.js';
import type { ProgramOrigin } from './program-source.js';

/** Headers of the hand-written C. */
export const LIBRARY_FOLDER = join(PACKAGE_ROOT, 'bpf/lib');

export interface BuildOptions {
  readonly origin?: Partial<ProgramOrigin>;
  /** Ids of rules that a waiver covers. */
  readonly waived?: ReadonlySet<number>;
  /** Entries of the connection map. */
  readonly connections?: number;
  /** Where programs attach; DEFAULT_ATTACH unless told. */
  readonly attach?: readonly AttachKind[];
  /** Tables that stay with iptables (ruleset/attach-view.ts). */
  readonly leftTables?: LeftTables;
}

export interface BuiltProgram {
  readonly model: Model;
  readonly cSource: string;
  readonly table: CompiledTable;
  readonly object: Uint8Array;
}

/**
 * Throws LoweringRefusal or TableRefusal where the ruleset cannot be held, EnvironmentError without clang.
 */
export async function buildProgram(
  ruleset: Ruleset,
  host: Host,
  options: BuildOptions = {},
): Promise<BuiltProgram> {
  const model = lower(ruleset, host, {
    waived: options.waived ?? new Set(),
    ...(options.leftTables !== undefined && { leftTables: options.leftTables }),
  });
  const attach = options.attach ?? DEFAULT_ATTACH;
  const table = compileModel(model, { early: attach.includes('xdp') });
  const cSource = programSource({
    origin: {
      sources: options.origin?.sources ?? [],
      digest: options.origin?.digest ?? createHash('sha256').update(JSON.stringify(model)).digest('hex'),
      version: options.origin?.version ?? '0.1.0',
      waivers: options.origin?.waivers ?? [],
    },
    model,
    rules: ruleset.rules,
    tableWords: table.bytes.length / 4,
    connections: options.connections ?? DEFAULT_CONNECTIONS,
    attach,
  });
  const object = await compileC(
    { name: 'program.c', text: cSource },
    { includeDirs: [LIBRARY_FOLDER], files: { [TABLE_FILE]: table.bytes } },
  );
  return { model, cSource, table, object };
}

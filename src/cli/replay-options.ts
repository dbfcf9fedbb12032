// SPDX-License-Identifier: Apache-2.0
// Flags of commands that replay packets, as values of the library.
import { open, readFile, stat } from 'node:fs/promises';
import { InputError } from '../diagnostics/input-error.js';
import type { Host } from '../host/host.js';
import { isCaptureStart } from '../replay/capture/read.js';
import { ingressNames, parseIngress, type IngressRule } from '../replay/ingress.js';

/** `--ingress IF|local|FILE`; an interface of the host wins over a file of the same name. */
export async function readIngress(flag: string | undefined, host: Host): Promise<IngressRule> {
  if (flag === undefined) return { kind: 'inferred' };
  const names = ingressNames(host);
  if (names.includes(flag)) return { kind: 'interface', name: flag };
  const text = await readFile(flag, 'utf8').catch((error: unknown) => {
    const why =
      error instanceof Error && 'code' in error && error.code !== 'ENOENT' ? ` (${error.message})` : '';
    throw new InputError([
      {
        code: 'IPT0834',
        severity: 'error',
        message: `--ingress ${flag}: neither an interface of the host nor a file that can be read${why}`,
        help: `the host has ${names.map((name) => `\`${name}\``).join(', ')}`,
      },
    ]);
  });
  const { rule, diagnostics } = parseIngress(flag, text, host);
  if (rule === undefined) throw new InputError(diagnostics);
  return rule;
}

/**
 * Captures and inputs of a command line. `--pcap a b` leaves `b` among the arguments: what starts as a capture
 * is one.
 */
export async function splitCaptures(
  args: readonly string[],
  flagged: readonly string[],
): Promise<{ readonly captures: string[]; readonly inputs: string[] }> {
  const captures = [...flagged];
  const inputs: string[] = [];
  for (const arg of args) ((await startsAsCapture(arg)) ? captures : inputs).push(arg);
  return { captures, inputs };
}

/** False also for what can't be read: whoever loads it says why. */
async function startsAsCapture(path: string): Promise<boolean> {
  if (path === '-' || (await stat(path).catch(() => undefined))?.isFile() !== true) return false;
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return false;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && isCaptureStart(buffer.readUInt32BE(0));
  } catch {
    return false;
  } finally {
    await handle.close();
  }
}

/** Bytes of all captures together, for progress; 0 where one is no regular file. */
export async function totalBytes(files: readonly string[]): Promise<number> {
  let total = 0;
  for (const file of files) {
    const found = file === '-' ? undefined : await stat(file).catch(() => undefined);
    if (found?.isFile() !== true) return 0;
    total += found.size;
  }
  return total;
}

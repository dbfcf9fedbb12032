// SPDX-License-Identifier: Apache-2.0
// host.json: text to Host, with located messages. Unknown keys are ignored: a newer snapshot stays readable.
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { SourceFile } from '../source/span.js';
import type { Host, HostInterface, HostRoute } from './host.js';
import { parsePrefix } from './prefix.js';

export interface ParsedHost {
  /** Absent when the text isn't a host at all; the diagnostics then hold an error. */
  readonly host?: Host;
  readonly diagnostics: readonly Diagnostic[];
}

/** Codes: IPT0801 not JSON, IPT0802 not a host, IPT0803 a field of the wrong kind, IPT0804 unknown interface. */
export function parseHost(source: SourceFile): ParsedHost {
  const diagnostics: Diagnostic[] = [];
  let json: unknown;
  try {
    json = JSON.parse(source.text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return {
      diagnostics: [{ code: 'IPT0801', severity: 'error', message: `not JSON: ${message}`, ...at(source) }],
    };
  }
  if (!isObject(json) || !Array.isArray(json.interfaces)) {
    const message = 'a host needs an object with a list `interfaces`';
    return { diagnostics: [{ code: 'IPT0802', severity: 'error', message, ...at(source) }] };
  }
  const fault = (code: string, message: string): void => {
    diagnostics.push({ code, severity: 'error', message, ...at(source) });
  };
  const interfaces = json.interfaces.flatMap((each, i) => readInterface(each, i, fault) ?? []);
  const names = new Set(['lo', ...interfaces.map((each) => each.name)]);
  const list = Array.isArray(json.routes) ? json.routes : [];
  const routes = list.flatMap((each, i) => readRoute(each, i, names, fault) ?? []);
  const rules = Array.isArray(json.rules) ? json.rules.filter(isObject) : undefined;
  return {
    diagnostics,
    host: {
      interfaces,
      routes,
      ...(rules === undefined ? {} : { rules }),
      sysctls: isObject(json.sysctls) ? readSysctls(json.sysctls) : {},
      ...(typeof json.hz === 'number' && json.hz > 0 ? { hz: json.hz } : {}),
    },
  };
}

type Fault = (code: string, message: string) => void;

function readInterface(value: unknown, index: number, fault: Fault): HostInterface | undefined {
  if (!isObject(value) || typeof value.name !== 'string' || value.name === '') {
    fault('IPT0803', `interfaces[${index}] has no name`);
    return undefined;
  }
  const addresses = Array.isArray(value.addresses)
    ? value.addresses.filter((each) => typeof each === 'string')
    : [];
  for (const address of addresses) {
    if (parsePrefix(address) === undefined) fault('IPT0803', `\`${address}\` of ${value.name} is no address`);
  }
  const mac = text(value.mac);
  if (mac !== undefined && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) {
    fault('IPT0803', `\`${mac}\` of ${value.name} is no MAC address`);
  }
  const type = text(value.type);
  const master = text(value.master);
  const link = text(value.link);
  return {
    name: value.name,
    addresses,
    ...(mac === undefined ? {} : { mac }),
    ...(typeof value.mtu === 'number' ? { mtu: value.mtu } : {}),
    ...(type === undefined ? {} : { type }),
    ...(master === undefined ? {} : { master }),
    ...(link === undefined ? {} : { link }),
    ...(typeof value.vlan === 'number' ? { vlan: value.vlan } : {}),
    ...(typeof value.up === 'boolean' ? { up: value.up } : {}),
  };
}

function readRoute(
  value: unknown,
  index: number,
  names: ReadonlySet<string>,
  fault: Fault,
): HostRoute | undefined {
  const destination = isObject(value) ? text(value.destination) : undefined;
  if (!isObject(value) || destination === undefined) {
    fault('IPT0803', `routes[${index}] has no destination`);
    return undefined;
  }
  const via = text(value.via);
  const device = text(value.device);
  if (parsePrefix(destination, via) === undefined) {
    fault('IPT0803', `\`${destination}\` of routes[${index}] is no prefix`);
    return undefined;
  }
  if (device !== undefined && !names.has(device)) {
    fault('IPT0804', `routes[${index}] names the interface \`${device}\`, which the host does not have`);
    return undefined;
  }
  const table = typeof value.table === 'number' ? String(value.table) : text(value.table);
  const type = text(value.type);
  return {
    destination,
    ...(via === undefined ? {} : { via }),
    ...(device === undefined ? {} : { device }),
    ...(table === undefined ? {} : { table }),
    ...(type === undefined ? {} : { type }),
  };
}

function readSysctls(value: Readonly<Record<string, unknown>>): Record<string, number | string> {
  const sysctls: Record<string, number | string> = {};
  for (const [name, each] of Object.entries(value)) {
    if (typeof each === 'number' || typeof each === 'string') sysctls[name] = each;
    if (typeof each === 'boolean') sysctls[name] = each ? 1 : 0;
  }
  return sysctls;
}

function at(source: SourceFile): {
  readonly span: { file: string; line: number; column: number; endColumn: number };
} {
  return { span: { file: source.name, line: 1, column: 1, endColumn: 2 } };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

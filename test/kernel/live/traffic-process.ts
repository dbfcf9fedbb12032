// SPDX-License-Identifier: Apache-2.0
// One end of the lab's traffic, as a process in its namespace: `server`, `holder`, `stream` or `probe`. Speaks in
// lines of JSON on standard output; every line on standard input asks for a report.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { HolderReport, Manner, Probe, StreamReport } from './traffic.js';

const [role = '', argument = '{}'] = process.argv.slice(2);
const options = JSON.parse(argument) as {
  readonly tcp?: readonly number[];
  readonly udp?: readonly number[];
  readonly address?: string;
  readonly port?: number;
  readonly count?: number;
  readonly probes?: readonly Probe[];
};
const tell = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const onAsk = (answer: (line: string) => unknown): void => {
  createInterface({ input: process.stdin }).on('line', (line) => {
    tell(answer(line));
  });
};

/** TCP and UDP echo on the ports; counts datagrams by port. */
function server(): void {
  const received: Record<number, number> = {};
  for (const port of options.tcp ?? [])
    createServer((socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    }).listen({ port, host: '::', backlog: 1024 });
  for (const port of options.udp ?? []) {
    received[port] = 0;
    const socket = createSocket('udp6');
    socket.on('message', (bytes, from) => {
      received[port]!++;
      socket.send(bytes, from.port, from.address);
    });
    socket.bind(port, '::');
  }
  onAsk(() => received);
  setTimeout(() => tell('ready'), 200);
}

/** Connections held open: even ones talk all the time, odd ones only when a line says so. */
function holder(): void {
  const { address = '', port = 0, count = 0 } = options;
  const sockets: Socket[] = [];
  const broken: string[] = [];
  let sent = 0;
  let echoed = 0;
  const say = (socket: Socket): void => {
    sent++;
    socket.write('x');
  };
  let open = 0;
  for (let i = 0; i < count; i++) {
    const socket = connect(port, address);
    socket.setNoDelay(true);
    socket.on('connect', () => {
      if (++open === count) tell('ready');
    });
    socket.on('data', (bytes) => (echoed += bytes.length));
    socket.on('error', (error) => broken.push((error as NodeJS.ErrnoException).code ?? error.message));
    socket.on('close', () => broken.push('closed'));
    sockets.push(socket);
  }
  let stopped = false;
  setInterval(() => {
    if (!stopped) sockets.filter((_, i) => i % 2 === 0).forEach(say);
  }, 50);
  onAsk((line): HolderReport => {
    stopped = line === 'stop';
    if (line === 'all') sockets.forEach(say);
    return { sent, echoed, broken };
  });
}

/** A datagram every millisecond or so, each with a number; those that come back are counted. */
function stream(): void {
  const { address = '', port = 0 } = options;
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  let sent = 0;
  let stopped = false;
  let returned = 0;
  socket.on('message', () => returned++);
  socket.on('error', () => undefined);
  socket.bind(0, () => {
    setInterval(() => {
      if (stopped) return;
      socket.send(String(sent++), port, address, () => undefined);
    }, 1);
    tell('ready');
  });
  onAsk((line): StreamReport => {
    stopped = line === 'stop';
    return { sent, returned };
  });
}

/** Each probe after the other, so that what the kernel counts belongs to it. */
async function probe(): Promise<void> {
  const manners: Manner[] = [];
  for (const each of options.probes ?? []) {
    const before = unreachables();
    const outcome = await (each.protocol === 'tcp' ? probeTcp(each) : probeUdp(each));
    manners.push({ ...each, outcome, unreachables: unreachables() - before });
  }
  tell(manners);
  process.exit(0);
}

const WAIT_MS = 300;

async function probeTcp({ address, port }: Probe): Promise<string> {
  const socket = connect({ port, host: address });
  const outcome = await new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve('silence'), WAIT_MS);
    timer.unref();
    socket.once('connect', () => resolve('open'));
    socket.once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
  });
  socket.destroy();
  return outcome;
}

async function probeUdp({ address, port }: Probe): Promise<string> {
  const socket: UdpSocket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const outcome = await new Promise<string>((resolve) => {
    setTimeout(() => resolve('silence'), WAIT_MS);
    socket.once('message', () => resolve('open'));
    socket.once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
    socket.connect(port, address, () => socket.send('ask'));
  });
  socket.close();
  return outcome;
}

/** ICMP errors that this namespace has received so far: tells a RST from an ICMP error, which look alike. */
function unreachables(): number {
  const v4 = /^Icmp: \d.*$/m.exec(readFileSync('/proc/self/net/snmp', 'latin1'))![0];
  const v6 = /^Icmp6InDestUnreachs\s+(\d+)$/m.exec(readFileSync('/proc/self/net/snmp6', 'latin1'));
  // InMsgs InErrors InCsumErrors InDestUnreachs
  return Number(v4.split(' ')[4]) + Number(v6?.[1] ?? 0);
}

const ROLES: Readonly<Record<string, () => void | Promise<void>>> = { server, holder, stream, probe };
await ROLES[role]!();

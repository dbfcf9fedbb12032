// SPDX-License-Identifier: Apache-2.0
// The system calls this project makes itself, through libc by FFI. Everything here runs on the calling
// (main) thread, which is what setns(2) and unshare(2) need. Linux x86_64 and arm64.
import koffi from 'koffi';
import { Errno, SystemCallError } from './errno.js';

const libc = koffi.load('libc.so.6');

/** Any Buffer or typed array; koffi hands over its memory without a copy. */
export type Memory = Uint8Array;

type Call<Arguments extends readonly (number | bigint | string | Memory | null)[], Result = number> = (
  ...values: Arguments
) => Result;

function bind<F>(name: string, result: string, ...parameters: string[]): F {
  return libc.func(name, result, parameters) as unknown as F;
}

const raw = {
  syscallBpf: bind<Call<[number, number, Memory, number]>>(
    'syscall',
    'long',
    'long',
    'long',
    'void *',
    'long',
  ),
  setns: bind<Call<[number, number]>>('setns', 'int', 'int', 'int'),
  unshare: bind<Call<[number]>>('unshare', 'int', 'int'),
  ioctl: bind<Call<[number, bigint, Memory]>>('ioctl', 'int', 'int', 'unsigned long', 'void *'),
  mmap: bind<Call<[null, number, number, number, number, number], bigint>>(
    'mmap',
    'void *',
    'void *',
    'size_t',
    'int',
    'int',
    'int',
    'long',
  ),
  flock: bind<Call<[number, number]>>('flock', 'int', 'int', 'int'),
  munmap: bind<Call<[bigint, number]>>('munmap', 'int', 'void *', 'size_t'),
  socket: bind<Call<[number, number, number]>>('socket', 'int', 'int', 'int', 'int'),
  bindSocket: bind<Call<[number, Memory, number]>>('bind', 'int', 'int', 'void *', 'uint'),
  setsockopt: bind<Call<[number, number, number, Memory, number]>>(
    'setsockopt',
    'int',
    'int',
    'int',
    'int',
    'void *',
    'uint',
  ),
  sendto: bind<Call<[number, Memory, number, number, Memory, number]>>(
    'sendto',
    'long',
    'int',
    'void *',
    'size_t',
    'int',
    'void *',
    'uint',
  ),
  recv: bind<Call<[number, Memory, number, number]>>('recv', 'long', 'int', 'void *', 'size_t', 'int'),
  recvmmsg: bind<Call<[number, Memory, number, number, null]>>(
    'recvmmsg',
    'int',
    'int',
    'void *',
    'uint',
    'int',
    'void *',
  ),
  write: bind<Call<[number, Memory, number]>>('write', 'long', 'int', 'void *', 'size_t'),
  ifNameToIndex: bind<Call<[string], number>>('if_nametoindex', 'uint', 'str'),
};

/** Throws SystemCallError where `result` is -1; `call` names the call for the message. */
function checked(result: number, call: string): number {
  if (result < 0) throw new SystemCallError(call, koffi.errno());
  return result;
}

/** The address of `memory`, for structures that hold pointers. Valid while `memory` is referenced. */
export function addressOf(memory: Memory): bigint {
  return koffi.address(memory);
}

const SYS_BPF = process.arch === 'arm64' ? 280 : 321;

/** bpf(2). Returns the result or the negative errno, because callers treat some errors as answers. */
export function bpf(command: number, attributes: Memory): number {
  const result = raw.syscallBpf(SYS_BPF, command, attributes, attributes.length);
  return result < 0 ? -koffi.errno() : result;
}

export const CLONE_NEWNET = 0x40000000;

export function unshare(flags: number): void {
  checked(raw.unshare(flags), 'unshare(2)');
}

/** Moves the calling thread into the namespace behind `fd`. */
export function setns(fd: number, flags: number): void {
  checked(raw.setns(fd, flags), 'setns(2)');
}

/** `what` tells the request for the error message. Returns the call's result. */
export function ioctl(fd: number, request: number, argument: Memory, what: string): number {
  return checked(raw.ioctl(fd, BigInt(request), argument), `ioctl(${what})`);
}

export interface Mapping {
  /** The mapped memory itself; must not be used after `unmap`. */
  readonly memory: Buffer;
  readonly address: bigint;
  unmap(): void;
}

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_ANONYMOUS = 0x20;

export interface MapOptions {
  /** What to map, shared; private zeroed memory where undefined. */
  readonly fd?: number;
  /** Bytes from the start of the object; a multiple of the page size. */
  readonly offset?: number;
  readonly readOnly?: boolean;
}

/** Maps `length` bytes. Throws SystemCallError where the kernel refuses. */
export function mapMemory(length: number, { fd, offset = 0, readOnly = false }: MapOptions): Mapping {
  const flags = fd === undefined ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  const protection = readOnly ? PROT_READ : PROT_READ | PROT_WRITE;
  const address = raw.mmap(null, length, protection, flags, fd ?? -1, offset);
  if (BigInt.asIntN(64, address) === -1n) throw new SystemCallError('mmap(2)', koffi.errno());
  return {
    memory: Buffer.from(koffi.view(address, length)),
    address,
    unmap: () => void raw.munmap(address, length),
  };
}

const LOCK_EX = 2;
const LOCK_NB = 4;

/** flock(2), exclusive, without waiting: false when another holds it. Closing the descriptor lets go. */
export function tryLock(fd: number): boolean {
  for (;;) {
    if (raw.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
    const errno = koffi.errno();
    if (errno === Errno.EAGAIN) return false;
    if (errno !== Errno.EINTR) throw new SystemCallError('flock(2)', errno);
  }
}

export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;

export function openSocket(domain: number, type: number, protocol: number): number {
  return checked(raw.socket(domain, type | SOCK_CLOEXEC, protocol), 'socket(2)');
}

export function bindSocket(fd: number, address: Memory): void {
  checked(raw.bindSocket(fd, address, address.length), 'bind(2)');
}

export const SOL_SOCKET = 1;
export const SO_PRIORITY = 12;
export const SO_RCVBUFFORCE = 33;

/** Sets an integer option. */
export function setSocketOption(fd: number, level: number, option: number, value: number): void {
  const memory = Buffer.alloc(4);
  memory.writeInt32LE(value);
  checked(raw.setsockopt(fd, level, option, memory, 4), 'setsockopt(2)');
}

const IPPROTO_IPV6 = 41;
const IPV6_JOIN_GROUP = 20;

/** Joins an IPv6 multicast group (16 bytes) on an interface, for as long as the socket is open. */
export function joinGroup(fd: number, group: Uint8Array, interfaceIndex: number): void {
  const request = Buffer.alloc(20);
  request.set(group);
  request.writeInt32LE(interfaceIndex, 16);
  checked(raw.setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, request, request.length), 'setsockopt(2)');
}

/** Sends; 0 or the positive errno, because a filter's refusal (EPERM) is an answer here, not trouble. */
export function sendTo(fd: number, bytes: Memory, address: Memory): number {
  const result = raw.sendto(fd, bytes, bytes.length, 0, address, address.length);
  return result < 0 ? koffi.errno() : 0;
}

const MSG_DONTWAIT = 0x40;

/** Bytes received, or 0 when nothing is waiting. */
export function receive(fd: number, into: Memory, wait: boolean): number {
  for (;;) {
    const result = raw.recv(fd, into, into.length, wait ? 0 : MSG_DONTWAIT);
    if (result >= 0) return result;
    const errno = koffi.errno();
    if (errno === Errno.EAGAIN) return 0;
    if (errno !== Errno.EINTR) throw new SystemCallError('recv(2)', errno);
  }
}

/** recvmmsg(2) without waiting: how many of the `count` prepared messages were filled. */
export function receiveMany(fd: number, headers: Memory, count: number): number {
  const result = raw.recvmmsg(fd, headers, count, MSG_DONTWAIT, null);
  if (result >= 0) return result;
  const errno = koffi.errno();
  if (errno === Errno.EAGAIN || errno === Errno.EINTR) return 0;
  throw new SystemCallError('recvmmsg(2)', errno);
}

/** Writes one frame or record; 0 or the positive errno. */
export function writeOnce(fd: number, bytes: Memory): number {
  return raw.write(fd, bytes, bytes.length) < 0 ? koffi.errno() : 0;
}

/** The index of an interface of the calling thread's namespace; 0 when there is none. */
export function interfaceIndex(name: string): number {
  return raw.ifNameToIndex(name);
}

// SPDX-License-Identifier: Apache-2.0
// A system call that failed, as an EnvironmentError: which call, which error, what the user can do.
// Names and texts: errno(3), Linux numbers of x86_64 and arm64 (asm-generic/errno.h).
import { EnvironmentError } from '../diagnostics/diagnostic.js';

/** Linux error numbers that this project tells apart. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  E2BIG: 7,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EMFILE: 24,
  ENOSPC: 28,
  EOPNOTSUPP: 95,
  ENOTSUPP: 524,
} as const;

const NAMES: ReadonlyMap<number, readonly [name: string, text: string]> = new Map([
  [1, ['EPERM', 'operation not permitted']],
  [2, ['ENOENT', 'no such file or object']],
  [4, ['EINTR', 'interrupted']],
  [7, ['E2BIG', 'argument list too long']],
  [9, ['EBADF', 'bad file descriptor']],
  [11, ['EAGAIN', 'try again']],
  [12, ['ENOMEM', 'out of memory']],
  [13, ['EACCES', 'permission denied']],
  [14, ['EFAULT', 'bad address']],
  [16, ['EBUSY', 'busy']],
  [17, ['EEXIST', 'exists already']],
  [19, ['ENODEV', 'no such device']],
  [22, ['EINVAL', 'invalid argument']],
  [24, ['EMFILE', 'too many open files']],
  [28, ['ENOSPC', 'no space left']],
  [90, ['EMSGSIZE', 'message too long']],
  [93, ['EPROTONOSUPPORT', 'protocol not supported']],
  [95, ['EOPNOTSUPP', 'operation not supported']],
  [97, ['EAFNOSUPPORT', 'address family not supported']],
  [99, ['EADDRNOTAVAIL', 'address not available']],
  [101, ['ENETUNREACH', 'network unreachable']],
  [105, ['ENOBUFS', 'no buffer space']],
  [113, ['EHOSTUNREACH', 'no route to host']],
  [524, ['ENOTSUPP', 'not supported by this kernel']],
]);

/** `EPERM` for 1; the number itself where it has no name here. */
export function errnoName(errno: number): string {
  return NAMES.get(errno)?.[0] ?? `errno ${String(errno)}`;
}

function suggestionsFor(errno: number): readonly string[] {
  switch (errno) {
    case Errno.EPERM:
    case Errno.EACCES:
      return ['run as root (for example with sudo): this needs CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_BPF'];
    case Errno.EMFILE:
      return ['raise the limit on open files: ulimit -n 65536'];
    case Errno.ENOMEM:
      return ['raise the limit on locked memory (ulimit -l unlimited), or free memory'];
    default:
      return [];
  }
}

/** A refused system call. `errno` is positive. */
export class SystemCallError extends EnvironmentError {
  readonly code: string;

  constructor(
    readonly call: string,
    readonly errno: number,
    suggestions: readonly string[] = suggestionsFor(errno),
  ) {
    const text = NAMES.get(errno)?.[1];
    super(`${call}: ${text === undefined ? '' : `${text} `}(${errnoName(errno)})`, suggestions);
    this.name = 'SystemCallError';
    this.code = errnoName(errno);
  }
}

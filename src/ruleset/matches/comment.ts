// SPDX-License-Identifier: Apache-2.0
// comment match: always true. iptables-extensions(8) comment; net/netfilter/xt_comment.c.

export interface CommentMatch {
  readonly kind: 'comment';
  readonly comment: string;
}

// SPDX-License-Identifier: Apache-2.0
// What one match or target file provides. Everything about an extension but its option syntax
// (grammar/) is reached through one of these; the registries list them by name.
import type { MatchNode, OptionNode, RuleNode, TargetNode } from '../ast/nodes.js';
import type { Family } from '../net/family.js';
import type { Fidelity } from './ruleset.js';

/** What a codec may ask and where it says what is wrong. */
export interface DecodeContext {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  readonly rule: RuleNode;
  /** Reports an error located at `at`; decode then returns undefined and the rule is not read. */
  error(
    at: MatchNode | TargetNode | OptionNode | { readonly span: OptionNode['span'] },
    code: string,
    message: string,
    help?: string,
  ): undefined;
  warn(at: { readonly span: OptionNode['span'] }, code: string, message: string): void;
  /** Name services: /etc/protocols, /etc/services as Debian ships them. */
  readonly names: NameServices;
}

export interface NameServices {
  protocol(name: string): number | undefined;
  protocolName(number: number): string | undefined;
  /** Port in host order. */
  service(name: string, protocol?: string): number | undefined;
}

export interface PrintContext {
  readonly family: Family;
  /** What iptables-legacy-save prints, else the text closest to the input. Same text for both today's codecs. */
  readonly names: NameServices;
}

export interface Extension<Payload, Node> {
  readonly name: string;
  readonly families: readonly Family[];
  /** Types the options, checking what iptables 1.8.9 and the kernel check; undefined after an error. */
  decode(node: Node, context: DecodeContext): Payload | undefined;
  /** Canonical text behind `-m name` or `-j name`, with a leading space for each word, as iptables-save 1.8.9 prints it. */
  print(payload: Payload, context: PrintContext): string;
  fidelity(payload: Payload, context: DecodeContext): Fidelity;
}

export type MatchExtension<Payload> = Extension<Payload, MatchNode>;
export type TargetExtension<Payload> = Extension<Payload, TargetNode>;

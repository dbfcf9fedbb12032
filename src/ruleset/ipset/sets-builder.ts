// SPDX-License-Identifier: Apache-2.0
// ipset save lines -> sets. Replays the commands as `ipset restore` would; a line that fails costs that
// line, is said, and leaves its set marked as not fully known.
import type { CreateNode, IpsetNode, IpsetOptionNode, MemberNode, SetCommandNode } from '../../ast/ipset.js';
import type { Diagnostic } from '../../diagnostics/diagnostic.js';
import type { Family } from '../../net/family.js';
import type { Span } from '../../source/span.js';
import { readIpsetSave } from '../../../grammar/ipset/index.js';
import type { SourceFile } from '../../source/span.js';
import type { NameServices } from '../extension.js';
import { unsignedInteger } from '../options.js';
import type { IpSet, SetElement, SetElementPart } from '../sets.js';
import {
  adoptOldRange,
  bitmapRange,
  fittingRange,
  maxElements,
  optionProblem,
  partRules,
  type BitmapRange,
} from './create-options.js';
import { MemberError, formatPart, readPart, type PartRules } from './parts.js';
import { findSetType, isIgnoredOption, SET_TYPE_NAMES, type SetType } from './types.js';

export interface SetsResult {
  readonly sets: ReadonlyMap<string, IpSet>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads any number of ipset saves into one collection of sets. */
export function readSets(sources: readonly SourceFile[], names: NameServices): SetsResult {
  const builder = new SetsBuilder(names);
  for (const source of sources) readIpsetSave(source, builder);
  return builder.finish();
}

interface SetDraft {
  name: string;
  readonly type: SetType;
  readonly family: Family | undefined;
  readonly options: Record<string, string | true>;
  readonly rules: PartRules;
  readonly range: BitmapRange | undefined;
  readonly span: Span;
  /** By canonical text. */
  readonly elements: Map<string, SetElement>;
  /** `list:set`: names in order, with what each was added with. */
  members: { readonly name: string; readonly element: SetElement }[];
  unreadLines: number;
}

/** What `add` says besides the parts of a member. */
interface MemberOptions {
  readonly element: Omit<SetElement, 'parts'>;
  readonly wildcard: boolean;
}

/** Bytes of a set's name, less its end. */
const MAX_NAME = 31;

class SetsBuilder {
  private readonly sets = new Map<string, SetDraft>();
  private readonly diagnostics: Diagnostic[] = [];
  /** Sets that lines name and nothing creates: said once each. */
  private readonly missing = new Set<string>();

  constructor(private readonly names: NameServices) {}

  diagnostic(diagnostic: Diagnostic): void {
    this.diagnostics.push(diagnostic);
    const named = /^\s*(?:--?)?\w+\s+(\S+)/.exec(diagnostic.lineText ?? '')?.[1];
    const set = named === undefined ? undefined : this.sets.get(named);
    if (set !== undefined) set.unreadLines++;
  }

  node(node: IpsetNode): void {
    switch (node.kind) {
      case 'create':
        return this.create(node);
      case 'add':
      case 'del':
        return this.member(node);
      default:
        return this.command(node);
    }
  }

  finish(): SetsResult {
    const sets = new Map<string, IpSet>();
    for (const draft of this.sets.values()) sets.set(draft.name, finishSet(draft));
    return { sets, diagnostics: this.diagnostics };
  }

  private fail(code: string, message: string, span: Span, lineText: string, help?: string): void {
    this.diagnostics.push({
      code,
      severity: 'error',
      message,
      span,
      lineText: lineText.slice(0, 400),
      ...(help !== undefined && { help }),
    });
  }

  private create(node: CreateNode): void {
    const type = findSetType(node.type);
    if (type === undefined) {
      this.missing.add(node.set);
      return this.fail(
        'IPT0504',
        `there is no set type \`${node.type}\``,
        node.span,
        node.text,
        `known types: ${SET_TYPE_NAMES.join(' ')}`,
      );
    }
    if (node.set.length > MAX_NAME)
      return this.fail('IPT0505', `a set's name has at most ${MAX_NAME} bytes`, node.span, node.text);
    if (this.sets.has(node.set))
      return this.fail('IPT0506', `the set \`${node.set}\` is created twice`, node.span, node.text);
    const options: Record<string, string | true> = {};
    let family: Family | undefined = type.families[0];
    for (const option of node.options) {
      const problem = optionProblem(type, option);
      if (problem !== undefined) {
        this.missing.add(node.set);
        return this.fail('IPT0507', problem, option.span, node.text);
      }
      if (option.name === 'family') family = option.value === 'inet6' ? 'ipv6' : 'ipv4';
      else if (option.name === '-6') family = 'ipv6';
      else if (option.name !== '-4' && !isIgnoredOption(option.name))
        options[option.name] = option.value ?? true;
    }
    adoptOldRange(node, options);
    const rules = partRules(type, family ?? 'ipv4', options, this.names);
    const range = type.name.startsWith('bitmap:')
      ? fittingRange(bitmapRange(options['range']), rules)
      : undefined;
    if (rules === undefined || (type.name.startsWith('bitmap:') && range === undefined)) {
      this.missing.add(node.set);
      return this.fail(
        'IPT0507',
        `\`create ${node.set}\` lacks or misstates its range or mask`,
        node.span,
        node.text,
      );
    }
    this.sets.set(node.set, {
      name: node.set,
      type,
      family: type.families.length === 0 ? undefined : family,
      options,
      rules,
      range,
      span: node.span,
      elements: new Map(),
      members: [],
      unreadLines: 0,
    });
  }

  private member(node: MemberNode): void {
    const set = this.sets.get(node.set);
    if (set === undefined) {
      if (!this.missing.has(node.set)) {
        this.missing.add(node.set);
        this.fail('IPT0508', `no line creates the set \`${node.set}\``, node.span, node.text);
      }
      return;
    }
    try {
      if (set.type.name === 'list:set') this.listMember(set, node);
      else this.elements(set, node);
    } catch (error) {
      if (!(error instanceof MemberError)) throw error;
      set.unreadLines++;
      this.fail('IPT0509', error.message, node.elementSpan, node.text);
    }
  }

  private elements(set: SetDraft, node: MemberNode): void {
    const { parts: kinds } = set.type;
    const texts = kinds.length === 1 ? [node.element] : node.element.split(',');
    const least = kinds.filter((kind) => kind !== 'optional-mac').length;
    if (texts.length < least || texts.length > kinds.length)
      throw new MemberError(`a member of ${set.type.name} has ${kinds.length} parts, joined by commas`);
    let combinations: SetElementPart[][] = [[]];
    for (const [i, text] of texts.entries()) {
      const parts = readPart(kinds[i]!, text, set.rules);
      if (combinations.length * parts.length > set.rules.limit)
        throw new MemberError(`this stands for more members than the set has room for (${set.rules.limit})`);
      combinations = combinations.flatMap((before) => parts.map((part) => [...before, part]));
    }
    const extra = memberOptions(node.options, set);
    for (const parts of combinations) this.element(set, node, parts, extra);
  }

  private element(
    set: SetDraft,
    node: MemberNode,
    parts: SetElementPart[],
    { element, wildcard }: MemberOptions,
  ): void {
    if (wildcard) parts = parts.map((part) => (part.kind === 'interface' ? { ...part, wildcard } : part));
    checkRange(set, parts);
    const [first] = parts;
    if (set.type.name === 'hash:ip' && first?.kind === 'address' && first.address.every((word) => word === 0))
      throw new MemberError('the address of zeros is no member of this type');
    // A bitmap:ip,mac has one member for an address, whatever its MAC address.
    const told = set.type.name === 'bitmap:ip,mac' ? parts.slice(0, 1) : parts;
    const key = told.map((part) => formatPart(part, this.names)).join(',');
    if (node.kind === 'del') {
      if (!set.elements.delete(key)) throw new MemberError(`\`${key}\` is no member of \`${set.name}\``);
      return;
    }
    const old = set.elements.get(key);
    if (old !== undefined && old.parts.length >= parts.length)
      throw new MemberError(`\`${key}\` is a member of \`${set.name}\` already`);
    if (old === undefined && set.range === undefined && set.elements.size >= maxElements(set.options))
      throw new MemberError(`the set is full: it was created for ${maxElements(set.options)} members`);
    set.elements.set(key, { parts, ...element });
  }

  private listMember(set: SetDraft, node: MemberNode): void {
    // `name,after,other` is how versions before 5 wrote `name after other`.
    const [name, oldPlace, oldOther] = node.element.split(',') as [string, string?, string?];
    const at = set.members.findIndex((member) => member.name === name);
    if (node.kind === 'del') {
      if (at < 0) throw new MemberError(`\`${name}\` is no member of \`${set.name}\``);
      set.members.splice(at, 1);
      return;
    }
    const member = this.sets.get(name);
    if (member === undefined) throw new MemberError(`no line creates the set \`${name}\``);
    if (member.type.name === 'list:set') throw new MemberError('a list of sets cannot hold a list of sets');
    if (at >= 0) throw new MemberError(`\`${name}\` is a member of \`${set.name}\` already`);
    const { element } = memberOptions(node.options, set);
    const place =
      node.options.find(({ name: option }) => PLACES.includes(option)) ??
      (oldPlace === undefined ? undefined : { name: oldPlace, value: oldOther });
    let index = set.members.length;
    if (place !== undefined) {
      const other = set.members.findIndex((one) => one.name === place.value);
      if (other < 0) throw new MemberError(`\`${place.value}\` is no member of \`${set.name}\``);
      index = place.name === 'before' ? other : other + 1;
    }
    set.members.splice(index, 0, { name, element: { parts: [], ...element } });
  }

  private command(node: SetCommandNode): void {
    const [first, second] = node.sets;
    const named = first === undefined ? [...this.sets.values()] : [this.sets.get(first)];
    if (named.includes(undefined))
      return this.fail('IPT0508', `no line creates the set \`${first}\``, node.span, node.text);
    for (const set of named as SetDraft[]) {
      if (node.kind === 'flush') {
        set.elements.clear();
        set.members = [];
      } else if (node.kind === 'destroy') this.destroy(set, first !== undefined, node);
      else this.exchange(set, second!, node);
    }
  }

  private destroy(set: SetDraft, alone: boolean, node: SetCommandNode): void {
    const list = [...this.sets.values()].find(({ members }) => members.some(({ name }) => name === set.name));
    if (alone && list !== undefined)
      return this.fail(
        'IPT0506',
        `\`${set.name}\` is a member of the list \`${list.name}\``,
        node.span,
        node.text,
      );
    this.sets.delete(set.name);
  }

  private exchange(set: SetDraft, name: string, node: SetCommandNode): void {
    const other = this.sets.get(name);
    if ((other === undefined) !== (node.kind === 'rename'))
      return this.fail(
        'IPT0506',
        `the set \`${name}\` ${other ? 'exists already' : 'does not exist'}`,
        node.span,
        node.text,
      );
    const old = set.name;
    this.sets.delete(old);
    if (other !== undefined) this.sets.set(old, Object.assign(other, { name: old }));
    this.sets.set(name, Object.assign(set, { name }));
  }
}

function finishSet(draft: SetDraft): IpSet {
  const told = draft.members.some(({ element }) => Object.keys(element).length > 2);
  return {
    name: draft.name,
    type: draft.type.name,
    ...(draft.family && { family: draft.family }),
    options: draft.options,
    elements: [...draft.elements.values()],
    members: draft.members.map(({ name }) => name),
    ...(told && { memberElements: draft.members.map(({ element }) => element) }),
    ...(draft.unreadLines > 0 && { unreadLines: draft.unreadLines }),
    span: draft.span,
  };
}

function checkRange(set: SetDraft, parts: readonly SetElementPart[]): void {
  if (set.range === undefined) return;
  const [part] = parts;
  const value = part?.kind === 'port' ? part.port : part?.kind === 'address' ? part.address[0]! : undefined;
  if (value !== undefined && (value < set.range.first || value > set.range.last))
    throw new MemberError('the member lies outside the range of the set');
}

/** Options that a set must have been created with for its members to have them. */
const NEEDED: Readonly<Record<string, string>> = {
  timeout: 'timeout',
  packets: 'counters',
  bytes: 'counters',
  comment: 'comment',
  skbmark: 'skbinfo',
  skbprio: 'skbinfo',
  skbqueue: 'skbinfo',
};
/** Seconds that fit the kernel's milliseconds. */
const MAX_TIMEOUT = 2_147_483;

function memberOptions(nodes: readonly IpsetOptionNode[], set: SetDraft): MemberOptions {
  const result: { -readonly [K in keyof Omit<SetElement, 'parts'>]: SetElement[K] } = { nomatch: false };
  let wildcard = false;
  const standard = set.options['timeout'];
  if (typeof standard === 'string') result.timeout = Number(standard);
  for (const { name, value } of nodes) {
    const needed = NEEDED[name];
    if (needed !== undefined && set.options[needed] === undefined)
      throw new MemberError(
        `the set was created without \`${needed}\`, so its members cannot have \`${name}\``,
      );
    if (name === 'timeout') {
      const seconds = unsignedInteger(value ?? '', 0, MAX_TIMEOUT);
      if (seconds === undefined)
        throw new MemberError(`\`${value}\` is no timeout from 0 to ${MAX_TIMEOUT} seconds`);
      result.timeout = seconds;
    } else if (name === 'nomatch' && set.type.parts.includes('net')) result.nomatch = true;
    else if (name === 'wildcard' && set.type.parts.includes('interface')) wildcard = true;
    else if (name === 'packets' || name === 'bytes' || name === 'comment') result[name] = value!;
    else if (name === 'skbmark' || name === 'skbprio') result[name] = value!;
    else if (name === 'skbqueue') result.skbqueue = Number(value);
    else if (!isIgnoredOption(name) && !(set.type.name === 'list:set' && PLACES.includes(name)))
      throw new MemberError(`\`${name}\` is no option of a member of ${set.type.name}`);
  }
  return { element: result, wildcard };
}

/** Where a set goes in a list. */
const PLACES = ['before', 'after'];

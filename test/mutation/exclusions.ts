// SPDX-License-Identifier: Apache-2.0
// What is not mutated, by rule and not by hand: text that people read, and code that only says "this is a bug".
import type { InstrumenterOptions } from '@stryker-mutator/instrumenter';

type Ignorer = InstrumenterOptions['ignorers'][number];

/** The part of a Babel node that the rules look at. */
interface Node {
  readonly type: string;
  readonly name?: string;
  readonly value?: unknown;
  readonly callee?: Node;
  readonly property?: Node;
  readonly argument?: Node | null;
  readonly consequent?: Node | readonly Node[];
  readonly alternate?: Node | null;
  readonly body?: readonly Node[];
  readonly quasis?: readonly { readonly value: { readonly raw: string } }[];
}

interface NodePath {
  readonly node: Node;
  readonly parentPath: NodePath | null;
}

/** Callees whose sentences are messages: complaints of codecs, and errors of any class. */
const SPEAKERS = /^(fail|badValue|\w*(Error|Refusal|Exceeded))$/;

const MESSAGE = 'the sentence of a message';
const BUG = 'code that only throws `Error`, which no input reaches';

export const exclusions: Ignorer = {
  shouldIgnore(path) {
    const at = path as NodePath;
    if (isSentence(at.node) && isSpoken(at)) return MESSAGE;
    return throwsBug(at.node) ? BUG : undefined;
  },
};

/** A string or template with a blank in it: names of options and codes are mutated. */
function isSentence({ type, value, quasis }: Node): boolean {
  if (type === 'StringLiteral') return typeof value === 'string' && value.includes(' ');
  return type === 'TemplateLiteral' && quasis!.some((part) => part.value.raw.includes(' '));
}

/** Inside the arguments of a speaker, in no function of its own. */
function isSpoken(path: NodePath): boolean {
  for (let at = path.parentPath; at !== null; at = at.parentPath) {
    const { type, callee } = at.node;
    if (/Function/.test(type)) return false;
    if (type !== 'CallExpression' && type !== 'NewExpression') continue;
    const name = callee!.type === 'MemberExpression' ? callee!.property!.name : callee!.name;
    if (name !== undefined && SPEAKERS.test(name)) return true;
  }
  return false;
}

/** `throw new Error(...)`, and an `if` without `else`, a block or a `default:` that holds nothing else. */
function throwsBug(node: Node): boolean {
  switch (node.type) {
    case 'ThrowStatement':
      return node.argument?.type === 'NewExpression' && node.argument.callee?.name === 'Error';
    case 'BlockStatement':
      return node.body!.length === 1 && throwsBug(node.body![0]!);
    case 'IfStatement':
      return node.alternate == null && throwsBug(node.consequent as Node);
    case 'SwitchCase': {
      const statements = node.consequent as readonly Node[];
      return statements.length === 1 && throwsBug(statements[0]!);
    }
    default:
      return false;
  }
}

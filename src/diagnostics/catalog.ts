// SPDX-License-Identifier: Apache-2.0
// What the codes of diagnostics stand for, by hundreds. A code never changes its meaning: scripts and waivers
// name it. The texts are beside the code that finds the trouble (grammar/messages.ts, the codecs, the support
// table); test/diagnostics/catalog.test.ts holds every code in the sources against these groups.

export interface CodeGroup {
  /** First code of the group; it reaches to the next hundred. */
  readonly first: string;
  readonly about: string;
  /** Folders or files, below the top, where its codes are found. */
  readonly places: readonly string[];
}

export const CODE_GROUPS: readonly CodeGroup[] = [
  {
    first: 'IPT0100',
    about: 'text of an iptables-save file that can not be read, or only with a repair',
    places: ['grammar/'],
  },
  {
    first: 'IPT0200',
    about:
      'rules that iptables or the kernel would refuse: names, values, options in bad company, misplaced rules',
    places: ['src/ruleset/'],
  },
  {
    first: 'IPT0300',
    about: 'matches that are not carried over exactly',
    places: ['src/ruleset/support/'],
  },
  {
    first: 'IPT0400',
    about: 'targets, tables, sets and header options that are not carried over exactly',
    places: ['src/ruleset/'],
  },
  {
    first: 'IPT0500',
    about: 'text of an ipset save file that can not be read, and members a set would refuse',
    places: ['grammar/ipset/', 'src/ruleset/ipset/'],
  },
  {
    first: 'IPT0600',
    about: 'inputs: files that are not there, not recognised, or two of the same kind',
    places: ['src/input/'],
  },
  {
    first: 'IPT0700',
    about: 'lints, and what else on the host judges packets',
    places: ['src/ruleset/assess/'],
  },
  {
    first: 'IPT0800',
    about: 'host descriptions, captures and ingress files',
    places: ['src/host/', 'src/replay/', 'src/cli/', 'src/diff/'],
  },
  {
    first: 'IPT0900',
    about: 'rulesets that no program of bounded cost can hold, or none at the attach point asked for',
    places: ['src/migrate/'],
  },
  {
    first: 'IPT1000',
    about: 'policies that rulesets give',
    places: ['src/policy/'],
  },
  {
    first: 'IPT1100',
    about:
      'the running host where it is not what was migrated, guards that are not proven, and what else keeps a program from it',
    places: ['src/live/'],
  },
];

/** The group of a code; undefined for one of another part. */
export function codeGroup(code: string): CodeGroup | undefined {
  return CODE_GROUPS.find(({ first }) => first.slice(0, -2) === code.slice(0, -2));
}

// SPDX-License-Identifier: Apache-2.0
// The tiers of one path as lists of regions that a target can hold, and what is left of them as residue.
//
// A packet of no residue is decided alike: it is denied where `before` or `entries` (the first that holds it)
// denies, allowed where an entry or the default allows.
import type { Host } from '../../host/host.js';
import type { AddressRange } from '../../net/address.js';
import type { FamilyPolicy, Statement, Tier } from '../model.js';
import { place, regionsOf, Unsayable, type Place, type Placed } from './condition-regions.js';
import { deliveredAddresses, destinationsBy } from './own-addresses.js';
import {
  EVERYTHING,
  holdsAll,
  intersectAddresses,
  subtractRegions,
  TooManyRegions,
  type Region,
} from './region.js';
import type { ResidueBook } from './residue-book.js';
import { STATES, type Decision, type Path, type State, type Target } from './target.js';

export interface Entry {
  readonly decision: Decision;
  readonly regions: readonly Region[];
  readonly tier: Tier;
  /** Place in the tier; null for the chain's policy. */
  readonly statement: number | null;
  readonly rules: readonly number[];
}

export interface Plan {
  readonly policy: FamilyPolicy;
  readonly path: Path;
  /** Denied in front of connection tracking. */
  readonly untracked: readonly Entry[];
  /** Denied by tables around filter. */
  readonly before: readonly Entry[];
  /** Table filter, in order. */
  readonly entries: readonly Entry[];
  readonly default: Decision;
  readonly defaultRules: Entry;
}

const TOO_MANY = 'written out it is longer than anybody would read';

/** What fixes packets of a state; undefined: the lists judge them. */
type Fixed = (state: State) => Decision | undefined;

export class Planner {
  constructor(
    private readonly host: Host,
    private readonly target: Target,
    private readonly residue: ResidueBook,
  ) {}

  plan(policy: FamilyPolicy, path: Path, interfaces: readonly string[]): Plan {
    const at = this.placeOf(policy, path, interfaces);
    const untracked: Entry[] = [];
    const before: Entry[] = [];
    let entries: Entry[] = [];
    let final: Tier = { ...OPEN, hook: HOOK[path] };
    const tiers = policy.tiers.filter(({ directions }) => directions.includes(path));
    if (tiers.every(({ table }) => table !== 'filter'))
      this.read(policy, final, at, (state) => this.target.fixed(state), true);
    for (const tier of tiers) {
      const isUntracked = this.target.untracked && tier.table === 'raw';
      const fixed: Fixed = isUntracked ? () => undefined : (state) => this.target.fixed(state);
      const read = this.read(policy, tier, at, fixed, true);
      if (tier.table === 'filter') {
        final = tier;
        entries = read;
      } else (isUntracked ? untracked : before).push(...this.denials(policy, tier, read, path));
    }
    const defaultRules: Entry = {
      decision: final.default,
      regions: EVERYTHING,
      tier: final,
      statement: null,
      rules: [],
    };
    return { policy, path, untracked, before, entries, default: final.default, defaultRules };
  }

  /** Residue of packets that the target lets pass unseen. */
  unseen(policy: FamilyPolicy, path: Path, interfaces: readonly string[]): void {
    const at = this.placeOf(policy, path, interfaces);
    for (const tier of policy.tiers.filter(({ directions }) => directions.includes(path)))
      this.read(policy, tier, at, () => 'allow', false);
  }

  private placeOf({ family }: FamilyPolicy, path: Path, interfaces: readonly string[]): Place {
    return {
      path,
      interfaces,
      exits: this.host.interfaces.map(({ name }) => name).filter((name) => name !== 'lo'),
      towards: (leaves) => {
        const [from, ...more] = interfaces;
        return from === undefined || more.length > 0
          ? undefined
          : destinationsBy(this.host, family, from, leaves);
      },
    };
  }

  /** The statements that have words here, in order. */
  private read(policy: FamilyPolicy, tier: Tier, at: Place, fixed: Fixed, isSeen: boolean): Entry[] {
    const entries: Entry[] = [];
    const gone = new Set<State>();
    // In front of routing nothing is known of the way out, as for what is delivered.
    const here: Place = tier.hook === 'PREROUTING' ? { ...at, path: 'input' } : at;
    const isSome = !isSeen && at.path !== 'forward';
    const note = this.residue.noting(policy.family, tier, at.path, isSome ? at.interfaces : undefined);
    for (const [index, statement] of tier.statements.entries()) {
      if (statement.malformed === true) continue;
      const when = statement.when.flatMap((each) => place(each, here) ?? []);
      const except = (statement.except ?? []).flatMap((each) => place(each, here) ?? []);
      const open = STATES.filter((state) => !gone.has(state));
      const asked = open.filter((state) => asking(when, state).length > 0);
      if (asked.length === 0) continue;
      const { action } = statement;
      if (action.kind === 'mark' || action.kind === 'untrack') {
        if (isSeen) this.sideEffect(statement, index, asked, note);
        continue;
      }
      const all = asked.filter((state) => isAll(asking(when, state)) && asking(except, state).length === 0);
      for (const state of all) gone.add(state);
      if (action.kind === 'undecided') {
        note('either', action.why, index, asked, statement.rules);
        continue;
      }
      if (action.kind === 'deny' && action.rejectWith !== undefined && isSeen)
        note('silent', `${this.target.name} denies in silence`, index, asked, statement.rules);
      for (const state of asked) {
        const always = fixed(state);
        if (always === undefined || always === action.kind) continue;
        const why = isSeen ? this.fixedWhy(state, always) : this.unseenWhy(at);
        note(action.kind === 'deny' ? 'opens' : 'closes', why, index, [state], statement.rules);
      }
      const judged = open.filter((state) => fixed(state) === undefined);
      this.statesApart(when, except, judged, index, statement, note);
      if (!judged.includes('NEW') || asking(when, 'NEW').length === 0) continue;
      try {
        const regions = this.regions(policy, at.path, asking(when, 'NEW'), asking(except, 'NEW'));
        if (regions.length > 0)
          entries.push({
            decision: action.kind,
            regions,
            tier,
            statement: index,
            rules: statement.rules,
          });
      } catch (error) {
        const why = reasonOf(error);
        note(action.kind === 'deny' ? 'opens' : 'closes', why, index, judged, statement.rules);
      }
    }
    for (const state of STATES.filter((each) => !gone.has(each))) {
      const always = fixed(state);
      if (always === undefined || always === tier.default) continue;
      const why = isSeen ? this.fixedWhy(state, always) : this.unseenWhy(at);
      note(tier.default === 'deny' ? 'opens' : 'closes', why, null, [state], []);
    }
    return entries;
  }

  private fixedWhy(state: State, always: Decision): string {
    const does = always === 'allow' ? 'lets every packet' : 'drops every packet';
    return `${this.target.name} ${does} of state ${state}${always === 'allow' ? ' pass' : ''}`;
  }

  private unseenWhy({ path, interfaces }: Place): string {
    return path === 'forward'
      ? `${this.target.name} policies are for what starts or ends at an endpoint, not for what a host forwards`
      : `${this.target.name} lets pass what goes through ${interfaces.join(', ')}`;
  }

  private sideEffect(
    { action, rules }: Statement,
    index: number,
    states: readonly State[],
    note: Noting,
  ): void {
    if (action.kind === 'mark')
      note('aside', `${this.target.name} policies set no marks`, index, states, rules);
    else note('either', `${this.target.name} tracks every packet it lets pass`, index, states, rules);
  }

  /** Where a statement asks for states that the target does not tell apart. */
  private statesApart(
    when: readonly Placed[],
    except: readonly Placed[],
    judged: readonly State[],
    index: number,
    { action, rules }: Statement,
    note: Noting,
  ): void {
    const shape = (state: State): string =>
      JSON.stringify([stateless(asking(when, state)), stateless(asking(except, state))]);
    const isNew = asking(when, 'NEW').length > 0;
    for (const state of judged.filter((each) => each !== 'NEW')) {
      if (shape(state) === shape('NEW') || (asking(when, state).length === 0 && !isNew)) continue;
      const why = `${this.target.name} does not know the state ${state}`;
      const effect = action.kind === 'deny' ? 'opens' : 'closes';
      if (isNew && judged.includes('NEW')) note('either', why, index, [state], rules, true);
      else note(effect, why, index, [state], rules);
    }
  }

  /** Throws Unsayable or TooManyRegions. */
  private regions(
    policy: FamilyPolicy,
    path: Path,
    when: readonly Placed[],
    except: readonly Placed[],
  ): Region[] {
    const { family } = policy;
    const gone = except.flatMap((each) => regionsOf(each, policy));
    const left = subtractRegions(
      when.flatMap((each) => regionsOf(each, policy)),
      gone,
      family,
    );
    return this.target.ownAddresses
      ? [...left]
      : left.flatMap((region) => this.withoutOwn(region, policy, path));
  }

  /** The host's own side is understood, not said. */
  private withoutOwn(region: Region, { family }: FamilyPolicy, path: Path): Region[] {
    const side = path === 'output' ? 'source' : 'destination';
    const { [side]: own, ...rest } = region;
    if (own === undefined) return [region];
    const why = `it asks for the ${side} address, which a policy has from the endpoint it selects`;
    if (path !== 'input') throw new Unsayable(why);
    const delivered: readonly AddressRange[] = deliveredAddresses(this.host, family);
    if (intersectAddresses(own, delivered, family).length === 0) return [];
    if (!holdsAll(own, delivered)) throw new Unsayable(why);
    return [rest];
  }

  /** A table around filter denies what none of its earlier statements allows. */
  private denials(policy: FamilyPolicy, tier: Tier, entries: readonly Entry[], path: Path): Entry[] {
    const { family } = policy;
    const note = this.residue.noting(family, tier, path, undefined);
    const allowed: Region[] = [];
    const out: Entry[] = [];
    const all: Entry = { decision: 'deny', regions: EVERYTHING, tier, statement: null, rules: [] };
    const denials = tier.default === 'deny' ? [...entries, all] : entries;
    for (const entry of denials) {
      if (entry.decision === 'allow') {
        allowed.push(...entry.regions);
        continue;
      }
      try {
        const regions = subtractRegions(entry.regions, allowed, family);
        for (const region of regions) this.check(region, policy);
        if (regions.length > 0) out.push({ ...entry, regions });
      } catch (error) {
        note('opens', reasonOf(error), entry.statement, STATES, entry.rules);
      }
    }
    return out;
  }

  /** Throws Unsayable where a region has no words. */
  check(region: Region, { family }: FamilyPolicy): void {
    const why = this.target.unsayable(region, family);
    if (why !== undefined) throw new Unsayable(why);
  }
}

export type Noting = ReturnType<ResidueBook['noting']>;

const HOOK = { input: 'INPUT', forward: 'FORWARD', output: 'OUTPUT' } as const;

/** A chain that is not there. */
const OPEN: Omit<Tier, 'hook'> = {
  table: 'filter',
  directions: [],
  default: 'allow',
  replies: 'unconditional',
  statements: [],
};

/** The reason of what stopped a statement; anything else is a bug and thrown on. */
export function reasonOf(error: unknown): string {
  if (error instanceof Unsayable) return error.message;
  if (error instanceof TooManyRegions) return TOO_MANY;
  throw error;
}

function asking(conditions: readonly Placed[], state: State): readonly Placed[] {
  return conditions.filter(({ condition }) => condition.states?.includes(state) ?? true);
}

function stateless(conditions: readonly Placed[]): unknown {
  return conditions.map((each) => ({ ...each, condition: { ...each.condition, states: undefined } }));
}

/** Whether one of the conditions asks for nothing but states. */
function isAll(conditions: readonly Placed[]): boolean {
  return conditions.some(
    ({ condition, towards, unknown }) =>
      Object.keys(condition).every((key) => key === 'states') &&
      towards === undefined &&
      unknown === undefined,
  );
}

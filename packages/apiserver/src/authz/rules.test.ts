import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Random, seededRandom } from '@kubelab/component-base';
import type { AccessRequest } from './authorizer.ts';
import { type Rule, ruleAllows, uncovered } from './rules.ts';

const SEED = Number(process.env['RULES_SEED'] ?? 1);
const CASES = 20_000;

const VERBS = ['get', 'create', '*'];
const GROUPS = ['', 'apps', '*'];
const RESOURCES = ['pods', 'pods/log', 'deployments', 'deployments/log', '*', '*/log'];
const NAMES = ['a', 'b'];
const URLS = ['/healthz', '/api/*', '/api/v1', '*'];

function some<T>(random: Random, list: readonly T[]): T[] {
  return list.filter(() => random.float() < 0.4);
}

function rule(random: Random): Rule {
  const verbs = some(random, VERBS);
  if (random.float() < 0.2) return { verbs, nonResourceURLs: some(random, URLS) };
  const names = random.float() < 0.3 ? { resourceNames: some(random, NAMES) } : {};
  return { verbs, apiGroups: some(random, GROUPS), resources: some(random, RESOURCES), ...names };
}

function rules(random: Random): Rule[] {
  return Array.from({ length: 1 + random.int(3) }, () => rule(random));
}

const NOTHING = {
  user: { name: 'u', groups: [] },
  version: '',
  namespace: '',
  path: '',
  selector: undefined,
};

/** Every request the words above can make, and some they only match by `*`. */
const REQUESTS: readonly AccessRequest[] = [
  ...['get', 'create', 'delete'].flatMap((verb) => [
    ...['', 'apps', 'batch'].flatMap((group) =>
      ['pods', 'deployments', 'jobs'].flatMap((resource) =>
        ['', 'log', 'scale'].flatMap((subresource) =>
          ['', 'a', 'c'].map((name) => ({
            ...NOTHING,
            isResource: true,
            verb,
            group,
            resource,
            subresource,
            name,
          })),
        ),
      ),
    ),
    ...['/healthz', '/api/v1', '/api/v2', '/x'].map((path) => ({
      ...NOTHING,
      isResource: false,
      verb,
      group: '',
      resource: '',
      subresource: '',
      name: '',
      path,
    })),
  ]),
];

/** The rule in upstream's documentation, once more and as plainly as can be. */
function reference(rule: Rule, request: AccessRequest): boolean {
  const has = (list: readonly string[] | undefined, word: string) =>
    (list ?? []).some((w) => w === '*' || w === word);
  if (!has(rule.verbs, request.verb)) return false;
  if (!request.isResource) {
    return (rule.nonResourceURLs ?? []).some((url) =>
      url.endsWith('*') ? request.path.startsWith(url.slice(0, -1)) : url === request.path,
    );
  }
  const { resource, subresource, name } = request;
  const words =
    subresource === '' ? [resource, '*'] : [`${resource}/${subresource}`, `*/${subresource}`, '*'];
  const isNamed = (rule.resourceNames ?? []).length === 0 || rule.resourceNames?.includes(name) === true;
  return (
    has(rule.apiGroups, request.group) &&
    (rule.resources ?? []).some((word) => words.includes(word)) &&
    isNamed
  );
}

test(`S2 ${CASES} decisions are those of the reference (seed ${SEED}, RULES_SEED=… to repeat)`, () => {
  const random = seededRandom(SEED);
  for (let i = 0; i < CASES; i++) {
    const one = rule(random);
    const request = REQUESTS[random.int(REQUESTS.length)];
    if (request === undefined) continue;
    assert.equal(
      ruleAllows(one, request),
      reference(one, request),
      `${i}: ${JSON.stringify({ one, request })}`,
    );
  }
});

test(`S2 who covers a role's rules can do all that the role can (seed ${SEED}, RULES_SEED=… to repeat)`, () => {
  const random = seededRandom(SEED);
  let covered = 0;
  for (let i = 0; i < CASES; i++) {
    const held = rules(random);
    // Often something close to what is held: else hardly anything would be covered.
    const wanted = random.float() < 0.5 ? [{ ...(held[0] ?? rule(random)), verbs: ['get'] }] : rules(random);
    if (uncovered(held, wanted).length > 0) continue;
    covered++;
    for (const request of REQUESTS) {
      const gets = wanted.some((one) => ruleAllows(one, request));
      const has = held.some((one) => ruleAllows(one, request));
      assert.ok(!gets || has, `${i}: ${JSON.stringify({ held, wanted, request })}`);
    }
  }
  assert.ok(covered > 100, `only ${covered} cases said anything`);
});

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { buildProfile, type ProfileConfig, readConfiguration } from './profile.ts';

const names = (config?: ProfileConfig) => {
  const { filters, scores } = buildProfile(config);
  return {
    filters: filters.map(({ name }) => name),
    scores: scores.map(({ plugin, weight }) => `${plugin.name}:${weight}`),
  };
};

test("without a configuration every rule is on, with upstream's weights", () => {
  const { filters, scores } = names();
  assert.deepEqual(filters, [
    'NodeUnschedulable',
    'NodeName',
    'TaintToleration',
    'NodeAffinity',
    'NodePorts',
    'NodeResourcesFit',
    'VolumeBinding',
    'PodTopologySpread',
    'InterPodAffinity',
  ]);
  assert.deepEqual(scores, [
    'TaintToleration:3',
    'NodeAffinity:2',
    'NodeResourcesFit:1',
    'PodTopologySpread:2',
    'InterPodAffinity:2',
    'NodeResourcesBalancedAllocation:1',
    'ImageLocality:1',
  ]);
});

test('plugins are turned off and on by extension point, weights are changed', () => {
  const { filters, scores } = names({
    plugins: {
      filter: { disabled: [{ name: 'NodePorts' }] },
      score: { disabled: [{ name: '*' }], enabled: [{ name: 'ImageLocality', weight: 7 }] },
    },
  });
  assert.ok(!filters.includes('NodePorts') && filters.includes('NodeName'));
  assert.deepEqual(scores, ['ImageLocality:7']);
});

test('a configuration file is read as upstream writes it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'scheduler-'));
  const file = path.join(folder, 'config.yaml');
  await writeFile(
    file,
    `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
podMaxBackoffSeconds: 3
profiles:
- schedulerName: packer
  pluginConfig:
  - name: NodeResourcesFit
    args: { scoringStrategy: { type: MostAllocated } }
  plugins:
    postFilter: { disabled: [{ name: DefaultPreemption }] }
`,
  );
  const config = await readConfiguration(file);
  await writeFile(file, 'kind: Pod');
  await assert.rejects(readConfiguration(file), /kind must be KubeSchedulerConfiguration/);
  await rm(folder, { recursive: true });
  assert.equal(config.podMaxBackoffSeconds, 3);
  const profile = buildProfile(config.profiles?.[0]);
  assert.equal(profile.schedulerName, 'packer');
  assert.equal(profile.canPreempt, false);
});

for (const [name, config, message] of [
  [
    'an unknown plugin',
    { plugins: { filter: { disabled: [{ name: 'NoSuch' }] } } },
    /unknown scheduler plugin "NoSuch"/,
  ],
  [
    'an unknown strategy',
    { pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'X' } } }] },
    /unknown scoringStrategy "X"/,
  ],
] as const) {
  test(`${name} is refused at the start`, () => assert.throws(() => buildProfile(config), message));
}

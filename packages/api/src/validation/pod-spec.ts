/** The spec of a pod or of a template: containers in their pod, and everything around them. */
import { duplicate, forbidden, invalid, required } from '../field-errors.ts';
import type { PodDNSConfig, PodSpec, PodTemplateSpec } from '../generated/types.ts';
import { dns1123SubdomainErrors } from '../names.ts';
import { validateAffinity, validateSpread, validateTolerations } from './affinity.ts';
import { because, dnsLabel, dnsSubdomain, type Errors, ipAddress, oneOf, qualifiedName } from './checks.ts';
import {
  type PodContext,
  validateContainers,
  validateEphemeralContainers,
  validateInitContainers,
} from './container.ts';
import { validateAnnotations, validateLabels } from './labels.ts';
import { validateAmounts, validatePodRequirements } from './resources.ts';
import { validateHostUsers, validatePodSecurityContext } from './security-context.ts';
import { validateVolumes } from './volume.ts';

const DEADLINE_MAX = 2_147_483_647;
export const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

export function* validatePodSpec(spec: PodSpec, path: string, isPod: boolean): Errors {
  if (spec.terminationGracePeriodSeconds === undefined)
    yield required(`${path}.terminationGracePeriodSeconds`);
  yield* validateVolumes(spec.volumes, `${path}.volumes`);
  yield* validateAllContainers(spec, path, isPod);
  yield* validatePodRequirements(spec.resources, `${path}.resources`);
  yield* validateHostNetworkPorts(spec, path, isPod);
  yield* oneOf(`${path}.restartPolicy`, spec.restartPolicy, RESTART_POLICIES);
  yield* oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES);
  yield* validateLabels(spec.nodeSelector, `${path}.nodeSelector`);
  yield* validatePodSecurityContext(spec, `${path}.securityContext`);
  yield* validateAffinity(spec.affinity, `${path}.affinity`);
  yield* validateDns(spec.dnsConfig, spec.dnsPolicy, `${path}.dnsConfig`);
  yield* validateGates(spec, path);
  yield* validateSpread(spec.topologySpreadConstraints, `${path}.topologySpreadConstraints`);
  yield* validateHostUsers(spec, path);
  yield* validateNames(spec, path);
  yield* validateTolerations(spec.tolerations, `${path}.tolerations`);
  yield* validateHostAliases(spec, `${path}.hostAliases`);
  if (spec.preemptionPolicy !== undefined) {
    yield* oneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']);
  }
  yield* validateAmounts(spec.overhead, `${path}.overhead`);
  if (spec.os !== undefined) yield* oneOf(`${path}.os.name`, spec.os.name, ['linux', 'windows']);
}

function* validateAllContainers(spec: PodSpec, path: string, isPod: boolean): Errors {
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  const context: PodContext = { volumes, graceSeconds: spec.terminationGracePeriodSeconds, isPod };
  const { initContainers = [], ephemeralContainers = [] } = spec;
  const containers = spec.containers ?? [];
  yield* validateContainers(containers, context, `${path}.containers`);
  yield* validateInitContainers(initContainers, containers, context, `${path}.initContainers`);
  const others = [...containers, ...initContainers];
  yield* validateEphemeralContainers(ephemeralContainers, others, context, `${path}.ephemeralContainers`);
}

/** A template may leave the host port open: its pods' defaulting fills it in. */
function* validateHostNetworkPorts(spec: PodSpec, path: string, isPod: boolean): Errors {
  if (spec.hostNetwork !== true) return;
  for (const [index, container] of (spec.containers ?? []).entries()) {
    for (const [i, { hostPort = 0, containerPort }] of (container.ports ?? []).entries()) {
      if (hostPort === containerPort || (!isPod && hostPort === 0)) continue;
      const at = `${path}.containers[${index}].ports[${i}].hostPort`;
      yield invalid(at, hostPort, 'must match `containerPort` when `hostNetwork` is true');
    }
  }
}

const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_CHARACTERS_MAX = 2048;

function* validateDns(config: PodDNSConfig | undefined, policy: string | undefined, path: string): Errors {
  const { nameservers = [], searches = [], options = [] } = config ?? {};
  if (policy === 'None') {
    if (config === undefined) {
      yield required(path, 'must provide `dnsConfig` when `dnsPolicy` is None');
      return;
    }
    if (nameservers.length === 0) {
      yield required(
        `${path}.nameservers`,
        'must provide at least one DNS nameserver when `dnsPolicy` is None',
      );
      return;
    }
  }
  if (nameservers.length > NAMESERVERS_MAX) {
    yield invalid(
      `${path}.nameservers`,
      nameservers,
      `must not have more than ${NAMESERVERS_MAX} nameservers`,
    );
  }
  for (const [index, server] of nameservers.entries())
    yield* ipAddress(`${path}.nameservers[${index}]`, server);
  if (searches.length > SEARCHES_MAX) {
    yield invalid(`${path}.searches`, searches, `must not have more than ${SEARCHES_MAX} search paths`);
  }
  if (searches.join(' ').length > SEARCH_CHARACTERS_MAX) {
    const why = `must not have more than ${SEARCH_CHARACTERS_MAX} characters (including spaces) in the search list`;
    yield invalid(`${path}.searches`, searches, why);
  }
  for (const [index, search] of searches.entries()) {
    if (search === '.') continue;
    const name = search.replace(/\.$/, '');
    // Underscores are allowed here as they are in the DNS itself.
    yield* because(`${path}.searches[${index}]`, name, dns1123SubdomainErrors(name.replaceAll('_', 'x')));
  }
  for (const [index, option] of options.entries()) {
    if (!option.name) yield required(`${path}.options[${index}]`, 'must not be empty');
  }
}

function* validateGates(spec: PodSpec, path: string): Errors {
  for (const [index, gate] of (spec.readinessGates ?? []).entries()) {
    yield* qualifiedName(`${path}.readinessGates[${index}].conditionType`, gate.conditionType);
  }
  const seen = new Set<string>();
  for (const [index, { name }] of (spec.schedulingGates ?? []).entries()) {
    yield* qualifiedName(`${path}.schedulingGates[${index}]`, name);
    if (seen.has(name)) yield duplicate(`${path}.schedulingGates[${index}]`, name);
    seen.add(name);
  }
}

function* validateNames(spec: PodSpec, path: string): Errors {
  if (spec.serviceAccountName) yield* dnsSubdomain(`${path}.serviceAccountName`, spec.serviceAccountName);
  if (spec.nodeName) yield* dnsSubdomain(`${path}.nodeName`, spec.nodeName);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > DEADLINE_MAX)) {
    yield invalid(
      `${path}.activeDeadlineSeconds`,
      deadline,
      `must be between 1 and ${DEADLINE_MAX}, inclusive`,
    );
  }
  if (spec.hostname) yield* dnsLabel(`${path}.hostname`, spec.hostname);
  if (spec.subdomain) yield* dnsLabel(`${path}.subdomain`, spec.subdomain);
  if (spec.priorityClassName) yield* dnsSubdomain(`${path}.priorityClassName`, spec.priorityClassName);
  if (spec.runtimeClassName) yield* dnsSubdomain(`${path}.runtimeClassName`, spec.runtimeClassName);
}

function* validateHostAliases(spec: PodSpec, path: string): Errors {
  for (const [index, { ip, hostnames = [] }] of (spec.hostAliases ?? []).entries()) {
    yield* ipAddress(`${path}[${index}].ip`, ip);
    for (const [i, name] of hostnames.entries())
      yield* dnsSubdomain(`${path}[${index}].hostnames[${i}]`, name);
  }
}

export function* validatePodTemplateSpec(template: PodTemplateSpec, path: string): Errors {
  yield* validateLabels(template.metadata?.labels, `${path}.labels`);
  yield* validateAnnotations(template.metadata?.annotations, `${path}.annotations`);
  yield* validatePodSpec(template.spec, `${path}.spec`, false);
  if ((template.spec.ephemeralContainers ?? []).length > 0) {
    yield forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template');
  }
}

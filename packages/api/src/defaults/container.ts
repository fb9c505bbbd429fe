/** Defaults of a container: pull policy, termination message, probes, ports, hooks. */
import type { Container, EnvVar, EphemeralContainer, HTTPGetAction, Probe } from '../generated/types.ts';
import { canonicalizeRequirements } from './quantities.ts';

export function defaultContainer(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ||= pullPolicyOf(container.image ?? '');
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  container.resources ??= {};
  canonicalizeRequirements(container.resources);
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const variable of container.env ?? []) defaultEnvVar(variable);
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe])
    defaultProbe(probe);
  defaultHttpGet(container.lifecycle?.postStart?.httpGet);
  defaultHttpGet(container.lifecycle?.preStop?.httpGet);
}

/** Whoever names no version, or `latest`, wants what is newest now. */
export function pullPolicyOf(image: string): 'Always' | 'IfNotPresent' {
  const [tagged = '', digest] = image.split('@');
  const name = tagged.slice(tagged.lastIndexOf('/') + 1);
  const colon = name.indexOf(':');
  const tag = colon === -1 ? undefined : name.slice(colon + 1);
  if (tag === undefined) return digest === undefined ? 'Always' : 'IfNotPresent';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultEnvVar(variable: EnvVar): void {
  const fieldRef = variable.valueFrom?.fieldRef;
  if (fieldRef !== undefined) fieldRef.apiVersion ||= 'v1';
}

export function defaultProbe(probe: Probe | undefined): void {
  if (probe === undefined) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  defaultHttpGet(probe.httpGet);
  if (probe.grpc !== undefined) probe.grpc.service ??= '';
}

export function defaultHttpGet(action: HTTPGetAction | undefined): void {
  if (action === undefined) return;
  action.path ||= '/';
  action.scheme ||= 'HTTP';
}

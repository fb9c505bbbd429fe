/** The engine's answers in the kubelet's words. Pure. */
import type { ContainerInspectInfo, ImageInspectInfo } from 'dockerode';
import { attemptOf, LABEL } from '../../core/names.ts';
import type { ContainerRecord, ImageInfo, PodIdentity, PodSandbox } from '../types.ts';

/** What a container that the engine could not start counts as: Docker's own choice. */
const EXIT_CANNOT_START = 128;

type Labels = Readonly<Record<string, string>>;

export function podOf(labels: Labels): PodIdentity {
  return {
    name: labels[LABEL.podName] ?? '',
    namespace: labels[LABEL.podNamespace] ?? '',
    uid: labels[LABEL.podUid] ?? '',
  };
}

export function isSandbox(labels: Labels): boolean {
  return labels[LABEL.type] === 'podsandbox';
}

export function sandboxRecord(info: ContainerInspectInfo): PodSandbox {
  const isReady = info.State.Running;
  const addresses = Object.values(info.NetworkSettings.Networks ?? {}).map((network) => network.IPAddress);
  return {
    id: info.Id,
    pod: podOf(info.Config.Labels),
    attempt: attemptOf(info.Name),
    isReady,
    createdAtMs: Date.parse(info.Created),
    ip: isReady ? (addresses.find((address) => address !== '') ?? '') : '',
  };
}

export function containerRecord(info: ContainerInspectInfo): ContainerRecord {
  const labels = info.Config.Labels;
  const { State: state } = info;
  const startedAtMs = time(state.StartedAt);
  const createdAtMs = Date.parse(info.Created);
  const cannotStart = startedAtMs === undefined && state.Error !== '';
  const hasEnded = cannotStart || (!state.Running && startedAtMs !== undefined);
  return {
    id: info.Id,
    pod: podOf(labels),
    name: labels[LABEL.containerName] ?? '',
    attempt: attemptOf(info.Name),
    sandboxId: labels[LABEL.sandboxId] ?? '',
    hash: labels[LABEL.hash] ?? '',
    state: state.Running ? 'running' : hasEnded ? 'exited' : 'created',
    image: info.Config.Image,
    imageId: `docker://${info.Image}`,
    tty: info.Config.Tty,
    createdAtMs,
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(hasEnded
      ? {
          finishedAtMs: time(state.FinishedAt) ?? createdAtMs,
          exitCode: cannotStart ? state.ExitCode || EXIT_CANNOT_START : state.ExitCode,
          oomKilled: state.OOMKilled,
          ...(state.Error === '' ? {} : { error: state.Error }),
        }
      : {}),
  };
}

/** The engine writes year 1 for what has not happened. */
function time(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) || ms <= 0 ? undefined : ms;
}

export function imageInfo(info: ImageInspectInfo): ImageInfo {
  return {
    id: info.Id,
    names: info.RepoTags ?? [],
    digests: info.RepoDigests ?? [],
    sizeBytes: info.Size,
    user: info.Config?.User ?? '',
  };
}

import { type Clock, errorMessage, type Logger } from '@kubelab/component-base';
import { Backoff } from '../core/backoff.ts';
import { credentialsFor, imageNameProblem, pullPolicyOf } from '../core/image-names.ts';
import { Semaphore } from '../core/semaphore.ts';
import type { ContainerSpec, PodObject } from '../core/types.ts';
import type { ImageInfo, Runtime } from '../runtime/types.ts';
import type { ObjectStore } from '../volumes/object-store.ts';
import { ANY_ID, type ImageSource } from './image-sources.ts';

/** The container waits with this reason. */
export class ImageError extends Error {
  readonly reason: 'ErrImagePull' | 'ImagePullBackOff' | 'ErrImageNeverPull' | 'InvalidImageName';
  readonly retryAfterMs: number | undefined;
  constructor(reason: ImageError['reason'], message: string, retryAfterMs?: number) {
    super(message);
    this.name = 'ImageError';
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

export interface ImageManagerOptions {
  readonly runtime: Runtime;
  readonly sources: readonly ImageSource[];
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly serializePulls: boolean;
  readonly event: (pod: PodObject, type: 'Normal' | 'Warning', reason: string, message: string) => void;
}

const PARALLEL_PULLS = 3;
/** A failed pull is looked at again so soon, so that the container is seen to wait with ImagePullBackOff. */
const BACK_OFF_SHOWS_AFTER_MS = 1_000;

/**
 * Images for containers, by their pull policy: what the engine has, then the sources in order, then a registry.
 * Invariants
 *   IMAGE-1  one image is fetched once at a time, however many containers wait for it
 */
export class ImageManager {
  readonly #options: ImageManagerOptions;
  readonly #backoff = new Backoff();
  readonly #lastFailures = new Map<string, { readonly atMs: number; readonly message: string }>();
  readonly #fetching = new Map<string, Promise<void>>();
  readonly #slots: Semaphore;

  constructor(options: ImageManagerOptions) {
    this.#options = options;
    this.#slots = new Semaphore(options.serializePulls ? 1 : PARALLEL_PULLS);
  }

  /** The image, present on the engine; throws `ImageError`. */
  async ensure(pod: PodObject, container: ContainerSpec): Promise<ImageInfo> {
    const { runtime } = this.#options;
    const image = container.image ?? '';
    const problem = imageNameProblem(image);
    if (problem !== undefined) {
      const quoted = JSON.stringify(image);
      const parsed = `couldn't parse image name ${quoted}: ${problem}`;
      const message = `Failed to apply default image tag ${quoted}: ${parsed}`;
      this.#event(pod, 'Warning', 'InspectFailed', message);
      throw new ImageError('InvalidImageName', message);
    }
    const policy = pullPolicyOf(container);
    const present = await runtime.imageStatus(image);
    if (present !== undefined && (policy !== 'Always' || (await this.#isCurrent(image, present)))) {
      this.#event(pod, 'Normal', 'Pulled', `Container image "${image}" already present on machine`);
      return present;
    }
    if (policy === 'Never') {
      const message = `Container image "${image}" is not present with pull policy of Never`;
      this.#event(pod, 'Warning', 'ErrImageNeverPull', message);
      throw new ImageError('ErrImageNeverPull', message);
    }
    this.#checkBackoff(pod, image);
    return this.#fetch(pod, image);
  }

  /** With `Always`: a source that knows the image decides whether the engine's is still the one. */
  async #isCurrent(image: string, present: ImageInfo): Promise<boolean> {
    for (const source of this.#options.sources) {
      try {
        const id = await source.lookUp(image);
        if (id !== undefined) return id === ANY_ID || id === present.id;
      } catch (err) {
        this.#options.log.warn('image source failed', { source: source.name, image, err });
      }
    }
    return false;
  }

  #checkBackoff(pod: PodObject, image: string): void {
    const key = backoffKey(pod, image);
    const failure = this.#lastFailures.get(key);
    if (failure === undefined) return;
    const now = this.#options.clock.now();
    const remaining = this.#backoff.remainingMs(key, failure.atMs, now);
    if (remaining > 0) {
      const message = `Back-off pulling image "${image}"`;
      this.#event(pod, 'Normal', 'BackOff', message);
      throw new ImageError('ImagePullBackOff', `${message}: ErrImagePull: ${failure.message}`, remaining);
    }
  }

  async #fetch(pod: PodObject, image: string): Promise<ImageInfo> {
    const { clock, runtime } = this.#options;
    this.#event(pod, 'Normal', 'Pulling', `Pulling image "${image}"`);
    const startMs = clock.monotonic();
    const key = backoffKey(pod, image);
    try {
      await this.#fetchOnce(pod, image);
      const info = await runtime.imageStatus(image);
      if (info === undefined) throw new Error('what was loaded does not hold the image');
      this.#lastFailures.delete(key);
      this.#backoff.forget(key);
      const took = `${((clock.monotonic() - startMs) / 1000).toFixed(3)}s`;
      const size = `Image size: ${info.sizeBytes} bytes.`;
      this.#event(
        pod,
        'Normal',
        'Pulled',
        `Successfully pulled image "${image}" in ${took} (${took} including waiting). ${size}`,
      );
      return info;
    } catch (error) {
      const now = clock.now();
      this.#backoff.next(key, this.#lastFailures.get(key)?.atMs ?? now, now);
      const message = `failed to pull image "${image}": ${errorMessage(error)}`;
      this.#lastFailures.set(key, { atMs: now, message });
      this.#event(pod, 'Warning', 'Failed', `Failed to pull image "${image}": ${errorMessage(error)}`);
      throw new ImageError('ErrImagePull', message, BACK_OFF_SHOWS_AFTER_MS);
    }
  }

  /** IMAGE-1 */
  #fetchOnce(pod: PodObject, image: string): Promise<void> {
    const running = this.#fetching.get(image);
    if (running !== undefined) return running;
    const fetch = this.#slots
      .run(() => this.#fetchFromAnywhere(pod, image))
      .finally(() => this.#fetching.delete(image));
    this.#fetching.set(image, fetch);
    return fetch;
  }

  async #fetchFromAnywhere(pod: PodObject, image: string): Promise<void> {
    const { runtime, sources, log } = this.#options;
    for (const source of sources) {
      try {
        if ((await source.lookUp(image)) === undefined) continue;
        await runtime.loadImage(await source.archive(image));
        log.info('image loaded', { image, source: source.name });
        return;
      } catch (err) {
        log.warn('image source failed', { source: source.name, image, err });
      }
    }
    await runtime.pullImage(image, credentialsFor(image, await this.#dockerConfigs(pod)));
  }

  async #dockerConfigs(pod: PodObject): Promise<string[]> {
    const names = (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => (name === undefined ? [] : [name]));
    const secrets = await Promise.all(
      names.map((name) => this.#options.objects.secret(pod.metadata.namespace ?? '', name)),
    );
    return secrets.flatMap((secret) => {
      const text = secret?.data?.['.dockerconfigjson'];
      return text === undefined ? [] : [Buffer.from(text, 'base64').toString('utf8')];
    });
  }

  forget(podUid: string): void {
    this.#backoff.forget(podUid);
    for (const key of this.#lastFailures.keys()) if (key.startsWith(podUid)) this.#lastFailures.delete(key);
  }

  #event(pod: PodObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#options.event(pod, type, reason, message);
  }
}

function backoffKey(pod: PodObject, image: string): string {
  return `${pod.metadata.uid}/${image}`;
}

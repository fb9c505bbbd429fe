import type { ClusterDescription } from '../wire.ts';
import type { PeerServiceOptions } from './peer-service.ts';

/**
 * Where the other members knock. It is there before the member is, so that members without data can find each
 * other; whatever only the member can answer waits until it is up.
 */
export class PeerDoor {
  readonly #fresh = Promise.withResolvers<ClusterDescription>();
  readonly #member = Promise.withResolvers<PeerServiceOptions>();
  readonly #askers = new Set<string>();
  #opened: PeerServiceOptions | undefined;

  get member(): Promise<PeerServiceOptions> {
    return this.#member.promise;
  }

  /** There is no data here: that much can be said already. */
  isFresh(clusterId: number): void {
    const nobody = { raftId: '', leader: '', members: [], removedMembers: [] };
    this.#fresh.resolve({ ...nobody, clusterId, isFresh: true, term: 0 });
  }

  /** The member is up. */
  open(member: PeerServiceOptions): void {
    this.#opened = member;
    this.#member.resolve(member);
  }

  /** Whether that member has asked while it was without data. */
  hasAsked(raftId: string): boolean {
    return this.#askers.has(raftId);
  }

  /** `asker`: a first member that has no data; empty: somebody else. */
  async describe(asker: string): Promise<ClusterDescription> {
    if (asker !== '' && this.#opened === undefined) this.#askers.add(asker);
    if (this.#opened !== undefined) return this.#opened.describe();
    return Promise.race([this.#fresh.promise, this.#member.promise.then((member) => member.describe())]);
  }
}

import { CommandError, run } from '../run.ts';

/** An engine that has not answered by then hangs. */
const ANSWER_MS = 60_000;

/** What the engine said no to, in one sentence with a way out. */
export class EngineError extends Error {
  /** Nobody answered at all, so that trying something else is of no use. */
  readonly isAway: boolean;
  constructor(message: string, isAway: boolean, cause: unknown) {
    super(message, { cause });
    this.name = 'EngineError';
    this.isAway = isAway;
  }
}

/** Runs the engine's command line; stdout as text. Throws `EngineError`. */
export async function docker(...words: readonly string[]): Promise<string> {
  try {
    return await run(['docker', ...words], undefined, ANSWER_MS);
  } catch (error) {
    if (error instanceof CommandError) throw explain(words, error);
    throw error;
  }
}

/** As `docker`, but that the engine refuses is an answer: undefined. */
export async function tryDocker(...words: readonly string[]): Promise<string | undefined> {
  try {
    return await docker(...words);
  } catch (error) {
    if (error instanceof EngineError && !error.isAway) return undefined;
    throw error;
  }
}

const AGAIN = 'then run the command again';

/** The engine's words for what people meet, and what helps. */
const KNOWN: readonly (readonly [pattern: RegExp, sentence: string, isAway?: boolean])[] = [
  [
    /permission denied.*(docker\.sock|daemon socket)/s,
    `this user may not use the Docker engine: join the group "docker" or become root, ${AGAIN}`,
    true,
  ],
  [
    /cannot connect to the docker daemon|error during connect|connection refused/i,
    `no Docker engine answers: start it ("systemctl start docker", or Docker Desktop), ${AGAIN}`,
    true,
  ],
  [
    /non-overlapping IPv4 address pool|pool overlaps/,
    `the engine has no network addresses left: "docker network prune" removes unused networks, ${AGAIN}`,
  ],
  [
    /no space left on device/,
    `the engine's disk is full: "docker system df" shows by what; make room, ${AGAIN}`,
  ],
];

/** The sentence for a command that failed. */
export function explain(words: readonly string[], error: CommandError): EngineError {
  if (error.isTimeout) {
    const sentence = `the Docker engine has not answered "docker ${words[0]}" for ${ANSWER_MS / 1000} s: restart it, ${AGAIN}`;
    return new EngineError(sentence, true, error);
  }
  const known = KNOWN.find(([pattern]) => pattern.test(error.stderr));
  if (known !== undefined) return new EngineError(known[1], known[2] === true, error);
  const port = /Bind for \S+?:(\d+) failed|listen tcp4? \S+?:(\d+): bind/.exec(error.stderr);
  if (port !== null) {
    const sentence = `port ${port[1] ?? port[2]} on 127.0.0.1 is in use: end what uses it, ${AGAIN}`;
    return new EngineError(sentence, false, error);
  }
  const said = error.stderr.replace(/^(docker: )?Error response from daemon: /gm, '').trim();
  return new EngineError(`docker ${words[0]}: ${said || `exit ${error.code}`}`, false, error);
}

/** The socket that the image server asks, as the engine's own machine names it. */
export function engineSocket(): string {
  const host = process.env.DOCKER_HOST ?? '';
  // Elsewhere the engine runs in a machine of its own, where the socket is in its ordinary place.
  return process.platform === 'linux' && host.startsWith('unix://')
    ? host.slice('unix://'.length)
    : '/var/run/docker.sock';
}

/** A volume could not be set up; the pod waits and the kubelet tries again. */
export class VolumeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'VolumeError';
  }
}

import { SCORE_MAX, type ScorePlugin } from '../core/framework.ts';

const BYTES_MIN = 23 * 1024 * 1024;
const BYTES_MAX_PER_CONTAINER = 1000 * 1024 * 1024;

/**
 * Nodes that have the pod's images, weighted by size and by how widely each is spread (so that it draws no
 * crowd to one node).
 */
export const imageLocality: ScorePlugin = {
  name: 'ImageLocality',
  score({ pod }, { nodes }) {
    const images = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ image }) =>
      withTag(image ?? ''),
    );
    const spread = images.map(
      (image) => nodes.filter((node) => node.imageBytes.has(image)).length / nodes.length,
    );
    if (spread.every((share) => share === 0)) return undefined;
    const bytesMax = BYTES_MAX_PER_CONTAINER * images.length;
    return {
      score(node) {
        const bytes = images.reduce(
          (sum, image, i) => sum + (node.imageBytes.get(image) ?? 0) * (spread[i] ?? 0),
          0,
        );
        const bounded = Math.min(Math.max(Math.floor(bytes), BYTES_MIN), bytesMax);
        return Math.floor((SCORE_MAX * (bounded - BYTES_MIN)) / (bytesMax - BYTES_MIN));
      },
    };
  },
};

/** Nodes report images with their tag; a pod may leave `:latest` out. */
function withTag(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}

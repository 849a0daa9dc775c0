import { listModels } from '@huggingface/hub';
import type { Hub } from './hub.ts';
import { namedError } from './namedError.ts';
import { licenseOf } from './resolveRepo.ts';

/** A model that a search found. */
export interface FoundModel {
  repo: string;
  downloads: number;
  likes: number;
  /** Short name of the licence; null if the authors give none. */
  license: string | null;
  gated: boolean;
  /** Number of parameters; null if the Hub doesn't know. */
  parameters: number | null;
}

const MAX_FOUND = 12;

/**
 * The most downloaded text-generation models with safetensors whose names contain `query`. Throws `hub.bad_listing` and
 * the errors of an unreachable Hub.
 */
export async function searchModels(hub: Hub, query: string, signal?: AbortSignal): Promise<FoundModel[]> {
  const { host, endpoint: hubUrl } = hub;
  const found: FoundModel[] = [];
  try {
    const models = listModels({
      search: { query, task: 'text-generation', tags: ['safetensors'] },
      additionalFields: ['tags', 'safetensors'],
      sort: 'downloads',
      limit: MAX_FOUND,
      hubUrl,
      fetch: hub.apiFetch({ repo: query }, signal),
    });
    for await (const { name, downloads, likes, gated, tags, safetensors } of models) {
      const parameters = safetensors?.total;
      found.push({
        repo: String(name),
        downloads: Number(downloads) || 0,
        likes: Number(likes) || 0,
        license: licenseOf(tags),
        gated: Boolean(gated),
        parameters: Number.isSafeInteger(parameters) ? parameters! : null,
      });
    }
    return found;
  } catch (error) {
    throw namedError(error, 'hub.bad_listing', { host, repo: query }, signal);
  }
}

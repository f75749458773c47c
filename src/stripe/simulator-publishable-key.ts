import { simulatorApiKey } from './stripe-client';

/** The publishable key that belongs to a key of the simulator. Stripe shows it in the Dashboard and by no API. */
export async function askPublishableKey(apiBase: string, apiKey = simulatorApiKey): Promise<string> {
  const answer = await fetch(`${apiBase}/_simulator/platform`, { headers: { authorization: `Bearer ${apiKey}` } });
  if (!answer.ok) throw new Error(`The Stripe simulator did not tell its publishable key: ${answer.status}.`);
  return ((await answer.json()) as { publishable_key: string }).publishable_key;
}

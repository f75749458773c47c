import type Stripe from 'stripe';
import { missing, refused } from './errors';
import { emit } from './events';
import { newId } from './ids';
import type { Row } from './kinds';
import { answerList, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import type { Session } from './session';

type Design = Stripe.Issuing.PersonalizationDesign;
type Bundle = Stripe.Issuing.PhysicalBundle;
type RejectionReasons = NonNullable<
  Parameters<Stripe['testHelpers']['issuing']['personalizationDesigns']['reject']>[1]
>['rejection_reasons'];

/** What Stripe's card factory offers: one bundle for everyone, one with a logo and a letter of one's own. */
const bundles: readonly Bundle[] = [
  {
    id: 'ics_standard',
    object: 'issuing.physical_bundle',
    features: { card_logo: 'unsupported', carrier_text: 'unsupported', second_line: 'optional' },
    livemode: false,
    name: 'Standard bundle',
    status: 'active',
    type: 'standard',
  },
  {
    id: 'ics_custom',
    object: 'issuing.physical_bundle',
    features: { card_logo: 'optional', carrier_text: 'optional', second_line: 'optional' },
    livemode: false,
    name: 'Custom bundle',
    status: 'active',
    type: 'custom',
  },
];

export function listBundles(_session: Session, params: Stripe.Issuing.PhysicalBundleListParams): ListAnswer {
  const data = bundles.filter(
    ({ status, type }) => (params.status ?? status) === status && (params.type ?? type) === type,
  );
  return { object: 'list', data, has_more: false, url: '/v1/issuing/physical_bundles' };
}

export function getBundle(id: string, param?: string): Bundle {
  const bundle = bundles.find((one) => one.id === id);
  if (!bundle) throw missing('physical bundle', id, param);
  return bundle;
}

export function createDesign(session: Session, params: Stripe.Issuing.PersonalizationDesignCreateParams): Design {
  const bundle = getBundle(params.physical_bundle, 'physical_bundle');
  refuseUnsupported(bundle, params);
  const design: Design & { object: 'issuing.personalization_design' } = {
    id: newId('ics'),
    object: 'issuing.personalization_design',
    card_logo: params.card_logo ?? null,
    carrier_text: params.carrier_text ? carrierText(params.carrier_text) : null,
    created: session.now,
    livemode: false,
    lookup_key: params.lookup_key ?? null,
    metadata: mergedMetadata({}, params.metadata),
    name: params.name ?? null,
    physical_bundle: bundle.id,
    preferences: {
      is_default: params.preferences?.is_default ?? false,
      is_platform_default: session.isPlatform ? false : null,
    },
    rejection_reasons: { card_logo: null, carrier_text: null },
    status: 'review',
  };
  session.insert<'issuing.personalization_design'>(design, {});
  return design;
}

function refuseUnsupported(
  bundle: Bundle,
  params: { card_logo?: string | null; carrier_text?: object | '' | null },
): void {
  for (const feature of ['card_logo', 'carrier_text'] as const) {
    if (!params[feature] || bundle.features[feature] !== 'unsupported') continue;
    throw refused(`The physical bundle ${bundle.id} does not support ${feature}.`, undefined, feature);
  }
}

type GivenText = NonNullable<Stripe.Issuing.PersonalizationDesignCreateParams['carrier_text']>;

function carrierText(given: GivenText): Design['carrier_text'] {
  return {
    footer_body: given.footer_body || null,
    footer_title: given.footer_title || null,
    header_body: given.header_body || null,
    header_title: given.header_title || null,
  };
}

export function updateDesign(
  session: Session,
  params: Stripe.Issuing.PersonalizationDesignUpdateParams,
  id: string,
): Design {
  const row = session.get('issuing.personalization_design', id);
  const bundle = getBundle(params.physical_bundle ?? (row.body.physical_bundle as string), 'physical_bundle');
  refuseUnsupported(bundle, params);
  return changeDesign(session, row, 'updated', ({ body }) => {
    body.physical_bundle = bundle.id;
    body.metadata = mergedMetadata(body.metadata, params.metadata);
    if (params.card_logo !== undefined) body.card_logo = params.card_logo || null;
    if (params.carrier_text !== undefined)
      body.carrier_text = params.carrier_text ? carrierText(params.carrier_text) : null;
    if (params.lookup_key !== undefined) body.lookup_key = params.lookup_key || null;
    if (params.name !== undefined) body.name = params.name || null;
    if (params.preferences !== undefined) body.preferences.is_default = params.preferences.is_default;
  });
}

type Change = 'activated' | 'deactivated' | 'rejected' | 'updated';

function changeDesign(
  session: Session,
  row: Row<'issuing.personalization_design'>,
  event: Change,
  change: (row: Row<'issuing.personalization_design'>) => void,
): Design {
  const before = structuredClone(row.body);
  change(row);
  session.save(row);
  emit(session, `issuing_personalization_design.${event}`, row.body, before);
  return row.body;
}

export function activateDesign(session: Session, id: string): Design {
  return changeDesign(session, session.get('issuing.personalization_design', id), 'activated', ({ body }) => {
    body.status = 'active';
    body.rejection_reasons = { card_logo: null, carrier_text: null };
  });
}

export function deactivateDesign(session: Session, id: string): Design {
  const row = session.get('issuing.personalization_design', id);
  if (row.body.status !== 'active') throw refused('Only active personalization designs can be deactivated.');
  return changeDesign(session, row, 'deactivated', ({ body }) => (body.status = 'inactive'));
}

export function rejectDesign(session: Session, reasons: RejectionReasons, id: string): Design {
  return changeDesign(session, session.get('issuing.personalization_design', id), 'rejected', ({ body }) => {
    body.status = 'rejected';
    body.rejection_reasons = { card_logo: reasons.card_logo ?? null, carrier_text: reasons.carrier_text ?? null };
  });
}

export function listDesigns(session: Session, params: Stripe.Issuing.PersonalizationDesignListParams): ListAnswer {
  const filters = [
    ...(params.status === undefined ? [] : [{ field: 'status', values: [params.status] }]),
    ...(params.lookup_keys === undefined ? [] : [{ field: 'lookup_key', values: params.lookup_keys }]),
  ];
  const url = '/v1/issuing/personalization_designs';
  return answerList(session, 'issuing.personalization_design', url, params, (_session, row) => row.body, filters);
}

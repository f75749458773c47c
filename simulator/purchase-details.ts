import type Stripe from 'stripe';

type Network = Stripe['testHelpers']['issuing'];
type AuthorizationParams = NonNullable<Parameters<Network['authorizations']['create']>[0]>;
type GivenDetails = NonNullable<NonNullable<Parameters<Network['authorizations']['capture']>[1]>['purchase_details']>;
type Details = NonNullable<Stripe.Issuing.Transaction['purchase_details']>;
type GivenFleet = NonNullable<AuthorizationParams['fleet']>;

/** Stripe says every key of a part that was told, with null for what was not; a part nobody told is null whole. */
function told<T extends object>(
  given: Partial<T> | undefined,
  keys: (keyof T)[],
): { [K in keyof T]: T[K] | null } | null {
  if (given === undefined) return null;
  return Object.fromEntries(keys.map((key) => [key, given[key] ?? null])) as { [K in keyof T]: T[K] | null };
}

function breakdownFrom({
  reported_breakdown: given,
}: GivenFleet): Stripe.Issuing.Transaction.PurchaseDetails.Fleet.ReportedBreakdown | null {
  if (given === undefined) return null;
  return {
    fuel: told(given.fuel, ['gross_amount_decimal']),
    non_fuel: told(given.non_fuel, ['gross_amount_decimal']),
    tax: told(given.tax, ['local_amount_decimal', 'national_amount_decimal']),
  };
}

const promptKeys = ['driver_id', 'odometer', 'unspecified_id', 'user_id', 'vehicle_number'] as const;

/** What a fleet card's authorization says of the vehicle, its driver and what was bought. */
export function fleetFrom(given: GivenFleet | undefined): Stripe.Issuing.Authorization.Fleet | null {
  if (given === undefined) return null;
  const prompts = told(given.cardholder_prompt_data, [...promptKeys]);
  return {
    // Only an authorization names the alphanumeric id, and no parameter sets it.
    cardholder_prompt_data: prompts && { alphanumeric_id: null, ...prompts },
    purchase_type: given.purchase_type ?? null,
    reported_breakdown: breakdownFrom(given),
    service_type: given.service_type ?? null,
  };
}

/** What a pump dispensed. */
export function fuelFrom(given: AuthorizationParams['fuel']): Stripe.Issuing.Authorization.Fuel | null {
  return told<NonNullable<typeof given>>(given, [
    'industry_product_code',
    'quantity_decimal',
    'type',
    'unit',
    'unit_cost_decimal',
  ]) as Stripe.Issuing.Authorization.Fuel | null;
}

/** Everything a settlement says of the purchase; Stripe shows it when asked to expand it. */
export function purchaseDetailsFrom(given: GivenDetails | undefined): Details | null {
  if (!given) return null;
  const { fleet, flight, fuel, lodging, receipt } = given;
  return {
    fleet: fleet
      ? {
          cardholder_prompt_data: told(fleet.cardholder_prompt_data, [...promptKeys]),
          purchase_type: fleet.purchase_type ?? null,
          reported_breakdown: breakdownFrom(fleet),
          service_type: fleet.service_type ?? null,
        }
      : null,
    flight: flight
      ? {
          departure_at: flight.departure_at ?? null,
          passenger_name: flight.passenger_name ?? null,
          refundable: flight.refundable ?? null,
          segments: flight.segments?.map(segmentFrom) ?? null,
          travel_agency: flight.travel_agency ?? null,
        }
      : null,
    fuel: fuel
      ? {
          industry_product_code: fuel.industry_product_code ?? null,
          quantity_decimal: fuel.quantity_decimal ?? null,
          type: fuel.type ?? 'other',
          unit: fuel.unit ?? 'other',
          unit_cost_decimal: fuel.unit_cost_decimal ?? ('0' as unknown as Stripe.Decimal),
        }
      : null,
    lodging: told(lodging, ['check_in_at', 'nights']),
    receipt:
      receipt?.map((line) => ({
        description: line.description ?? null,
        quantity: line.quantity === undefined ? null : Number(line.quantity),
        total: line.total ?? null,
        unit_cost: line.unit_cost ?? null,
      })) ?? null,
    reference: given.reference ?? null,
  };
}

type Segment = Stripe.Issuing.Transaction.PurchaseDetails.Flight.Segment;

function segmentFrom(given: { [K in keyof Segment]?: NonNullable<Segment[K]> }): Segment {
  return {
    arrival_airport_code: given.arrival_airport_code ?? null,
    carrier: given.carrier ?? null,
    departure_airport_code: given.departure_airport_code ?? null,
    flight_number: given.flight_number ?? null,
    service_class: given.service_class ?? null,
    stopover_allowed: given.stopover_allowed ?? null,
  };
}

//! Which names and numbers a call shows.

use crate::lab::broadworks::xsi::services::row::Field;
use crate::lab::broadworks::xsi::services::row::Service;
use crate::lab::broadworks::xsi::services::row::raised;
use crate::lab::broadworks::xsi::services::row::service;
use crate::lab::broadworks::xsi::services::table::ACTIVE;

const CALLER_ID: &[Field] = &[
    raised("isActiveForExternalCalls"),
    raised("isActiveForInternalCalls"),
];

pub(super) const DELIVERY_BLOCKING: Service = service(
    "Calling Line ID Delivery Blocking",
    "callinglineiddeliveryblocking",
    "CallingLineIDDeliveryBlocking",
    ACTIVE,
);

pub(super) const BLOCKING_OVERRIDE: Service = service(
    "Calling Line ID Blocking Override",
    "callinglineidblockingoverride",
    "CallingLineIDBlockingOverride",
    ACTIVE,
);

pub(super) const NAME_DELIVERY: Service = service(
    "Calling Name Delivery",
    "callingnamedelivery",
    "CallingNameDelivery",
    CALLER_ID,
);

pub(super) const NUMBER_DELIVERY: Service = service(
    "Calling Number Delivery",
    "callingnumberdelivery",
    "CallingNumberDelivery",
    CALLER_ID,
);

pub(super) const NAME_RETRIEVAL: Service = service(
    "Calling Name Retrieval",
    "callingnameretrieval",
    "CallingNameRetrieval",
    ACTIVE,
);

pub(super) const CONNECTED_LINE_RESTRICTION: Service = service(
    "Connected Line Identification Restriction",
    "connectedlineidentificationrestriction",
    "ConnectedLineIdentificationRestriction",
    ACTIVE,
);

pub(super) const EXTERNAL_DELIVERY: Service = service(
    "External Calling Line ID Delivery",
    "externalcallinglineiddelivery",
    "ExternalCallingLineIDDelivery",
    &[raised("active")],
);

pub(super) const INTERNAL_DELIVERY: Service = service(
    "Internal Calling Line ID Delivery",
    "internalcallinglineiddelivery",
    "InternalCallingLineIDDelivery",
    &[raised("active")],
);

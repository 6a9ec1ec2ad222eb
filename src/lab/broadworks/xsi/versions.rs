//! `/v2.0/versions` of both contexts (specification 3.5.16.1; events chapter 4.6.4.1).

use crate::domain::xsi::codec::Element;

/// Xsi-Actions. `%userid%` is a literal token of the document.
pub(super) fn actions() -> Element {
    Element::xsi("Versions").with(
        Element::new("commands")
            .with_leaf("baseline", "24.0")
            .with(
                Element::new("patchedCommand")
                    .with_leaf("uri", "/v2.0/user/%userid%/directories/enterprise")
                    .with(Element::new("version").with_leaf("value", "24.1")),
            )
            .with(
                Element::new("patchedCommand")
                    .with_leaf("uri", "/v2.0/user/%userid%/services/busylampfield")
                    .with(
                        Element::new("version")
                            .with_leaf("value", "24.2")
                            .with_leaf("feature", "101642"),
                    ),
            ),
    )
}

/// Xsi-Events.
pub(super) fn events() -> Element {
    Element::xsi("Versions")
        .with(Element::new("commands").with_leaf("baseline", "21.0"))
        .with(
            Element::new("eventPackages")
                .with_leaf("baseline", "21.0")
                .with(
                    Element::new("patchedEventPackage")
                        .with_leaf("name", "Basic Call")
                        .with(Element::new("version").with_leaf("value", "21.1")),
                ),
        )
}

"""Drives an OCI-P server with the public client of PyPI and prints what it understood, as one line
of JSON. Arguments: host, port, user id, password."""

import json
import sys

from broadworks_ocip import BroadworksAPI
from broadworks_ocip.exceptions import OCIErrorResponse

host, port, user, password = sys.argv[1:]
alice = "alice@as.example.net"


def connect(password):
    return BroadworksAPI(host=host, port=int(port), username=user, password=password)


def refused(call):
    try:
        call()
    except OCIErrorResponse as error:
        return error.object.summary
    return None


api = connect(password)
told = {"version": api.command("SystemSoftwareVersionGetRequest").version}

told["users"] = {}
for version in ["17sp4", "19", "21sp1", "22", "23V2"]:
    answer = api.command("UserGetRequest" + version, user_id=alice)
    told["users"][answer.type_] = [answer.first_name, answer.phone_number, answer.department.name]

verified = api.command("AuthenticationVerifyRequest22V4", user_id=alice, password="Passw0rd!")
told["verified"] = [verified.type_, verified.user_id, verified.is_enterprise]
told["revoked-before"] = verified.token_revocation_time
told["revoke"] = api.command("LongLivedTokenRevokeRequest", user_id=alice).type_
info = api.command("UserGetLoginInfoRequest22V4", user_id=alice)
told["revoked-after"] = info.token_revocation_time
token = api.command("ExternalAuthenticationCreateLoginTokenRequest", user_id=alice).login_token
by_token = api.command("AuthenticationVerifyRequest22V4", login_token=token)
told["by-token"] = by_token.user_id

field = api.command("UserBusyLampFieldGetRequest16sp2", user_id=alice)
told["watched"] = [row.user_id for row in field.monitored_user_table]
imp = api.command("UserIntegratedIMPGetRequest21sp1", user_id=alice)
told["imp"] = [imp.is_active, imp.imp_id]

criterion = api.get_type_object(
    "SearchCriteriaUserLastName", mode="Starts With", value="m", is_case_insensitive=True
)
found = api.command(
    "UserGetListInGroupRequest",
    service_provider_id="ent1",
    group_id="hq",
    search_criteria_user_last_name=[criterion],
)
told["found"] = [[row.user_id, row.last_name] for row in found.user_table]
listed = api.command("UserGetListInServiceProviderRequest", service_provider_id="sp1")
told["listed"] = len(listed.user_table)
provider = api.command("ServiceProviderGetRequest22V4", service_provider_id="ent1")
told["provider"] = [provider.service_provider_id, provider.is_enterprise]
group = api.command("GroupGetRequest22V5", service_provider_id="ent1", group_id="hq")
told["group"] = [group.group_id, group.user_count]

name = "bwcticlient.webex.com"
told["added"] = api.command("SystemClientIdentityAddRequest", client_identity=name).type_
identities = api.command("SystemClientIdentityGetListRequest").client_identity_table
told["identities"] = [row.client_identity for row in identities]

told["unknown-user"] = refused(lambda: api.command("UserGetRequest22", user_id="nobody"))
told["unknown-request"] = refused(lambda: api.command("SystemRoutingGetRequest"))
told["bad-password"] = refused(lambda: connect("wrong").command("SystemSoftwareVersionGetRequest"))
told["deleted"] = api.command("UserDeleteRequest", user_id=alice).type_
told["gone"] = refused(lambda: api.command("UserGetRequest22", user_id=alice))
api.close()
print(json.dumps(told))

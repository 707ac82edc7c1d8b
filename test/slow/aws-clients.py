"""Asks one server for everything it serves, through boto3, and prints what came back as JSON.

Arguments come as JSON on standard input: endpoint, ca, accessKeyId, secretAccessKey, nodes.
"""

import datetime
import json
import sys

import boto3
import botocore.config
import botocore.exceptions

given = json.load(sys.stdin)
ssm = boto3.client(
    "ssm",
    endpoint_url=given["endpoint"],
    verify=given["ca"],
    region_name="us-east-1",
    aws_access_key_id=given["accessKeyId"],
    aws_secret_access_key=given["secretAccessKey"],
    config=botocore.config.Config(retries={"max_attempts": 2}),
)


def plain(value):
    """What JSON can't say: times become their type's name."""
    if isinstance(value, datetime.datetime):
        return "datetime"
    raise TypeError(type(value).__name__)


def ask(operation, **arguments):
    """The answer without its metadata; or the error as a program sees it."""
    try:
        answer = getattr(ssm, operation)(**arguments)
    except botocore.exceptions.ClientError as error:
        name = error.response["Error"]["Code"]
        return {
            "code": name,
            "message": error.response["Error"].get("Message", ""),
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
            "modelled": type(error) is getattr(ssm.exceptions, name, None),
        }
    metadata = answer.pop("ResponseMetadata")
    answer["requestId"] = len(metadata["RequestId"])
    answer["retries"] = metadata["RetryAttempts"]
    return answer


node = given["nodes"][0]
nobody = "mi-0123456789abcdef0"
resource = {"ResourceType": "ManagedInstance", "ResourceId": node}
pages = [
    [each["InstanceId"] for each in page["InstanceInformationList"]]
    for page in ssm.get_paginator("describe_instance_information").paginate(
        PaginationConfig={"PageSize": 50}
    )
]
made = ask("create_activation", IamRole="R", RegistrationLimit=3)
said = {
    "pages": pages,
    "properties": [
        len(page["InstanceProperties"])
        for page in ssm.get_paginator("describe_instance_properties").paginate()
    ],
    "one": ask("describe_instance_information", Filters=[{"Key": "InstanceIds", "Values": [node]}]),
    "oneOldForm": ask(
        "describe_instance_information",
        InstanceInformationFilterList=[{"key": "InstanceIds", "valueSet": [node]}],
    ),
    "nobody": ask(
        "describe_instance_information", Filters=[{"Key": "InstanceIds", "Values": [nobody]}]
    ),
    "activation": {key: len(value) for key, value in made.items() if isinstance(value, str)},
    "activations": ask(
        "describe_activations",
        Filters=[{"FilterKey": "ActivationIds", "FilterValues": [made["ActivationId"]]}],
    ),
    "activationDeleted": ask("delete_activation", ActivationId=made["ActivationId"]),
    "activationGone": ask("delete_activation", ActivationId=made["ActivationId"]),
    "tagged": ask("add_tags_to_resource", Tags=[{"Key": "a", "Value": "ü"}], **resource),
    "tags": ask("list_tags_for_resource", **resource),
    "untagged": ask("remove_tags_from_resource", TagKeys=["a"], **resource),
    "associations": ask("describe_instance_associations_status", InstanceId=node),
    "associationsOfNobody": ask("describe_instance_associations_status", InstanceId=nobody),
    "connection": ask("get_connection_status", Target=nobody),
    "role": ask("update_managed_instance_role", InstanceId=node, IamRole="Other"),
    "setting": ask("get_service_setting", SettingId="/ssm/managed-instance/activation-tier"),
    "listed": ask("list_associations"),
    "badKey": ask("describe_instance_information", Filters=[{"Key": "Colour", "Values": ["red"]}]),
    "badValue": ask(
        "describe_instance_information", Filters=[{"Key": "PingStatus", "Values": ["Asleep"]}]
    ),
    "both": ask(
        "describe_instance_information",
        Filters=[{"Key": "InstanceIds", "Values": [node]}],
        InstanceInformationFilterList=[{"key": "InstanceIds", "valueSet": [node]}],
    ),
    "badToken": ask("describe_instance_information", NextToken="x"),
    "tooMany": ask("describe_instance_information", MaxResults=51),
    "notServed": ask("describe_ops_items"),
    "deregistered": ask("deregister_managed_instance", InstanceId=given["nodes"][-1]),
    "deregisteredAgain": ask("deregister_managed_instance", InstanceId=given["nodes"][-1]),
}
json.dump(said, sys.stdout, default=plain)

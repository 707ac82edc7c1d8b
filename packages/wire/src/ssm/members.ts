/**
 * Which members of the public API's inputs have a constrained type. By structure; each member as
 * `Name:TypeName`, or just `Name` when the type is called the same.
 */
export const memberTypes: Readonly<Record<string, string>> = {
  AddTagsToResourceRequest: 'ResourceType:ResourceTypeForTagging Tags:TagList',
  Alarm: 'Name:AlarmName',
  AlarmConfiguration: 'Alarms:AlarmList',
  AssociateOpsItemRelatedItemRequest: 'OpsItemId',
  AssociationExecutionFilter:
    'Key:AssociationExecutionFilterKey Value:AssociationExecutionFilterValue Type:AssociationFilterOperatorType',
  AssociationExecutionTargetsFilter:
    'Key:AssociationExecutionTargetsFilterKey Value:AssociationExecutionTargetsFilterValue',
  AssociationFilter: 'key:AssociationFilterKey value:AssociationFilterValue',
  AssociationStatus: 'Name:AssociationStatusName Message:StatusMessage AdditionalInfo:StatusAdditionalInfo',
  AttachmentsSource: 'Key:AttachmentsSourceKey Values:AttachmentsSourceValues Name:AttachmentIdentifier',
  AutomationExecutionFilter: 'Key:AutomationExecutionFilterKey Values:AutomationExecutionFilterValueList',
  AutomationExecutionInputs:
    'Parameters:AutomationParameterMap TargetParameterName:AutomationParameterKey Targets TargetMaps TargetLocations TargetLocationsURL',
  BaselineOverride:
    'OperatingSystem ApprovedPatches:PatchIdList ApprovedPatchesComplianceLevel:PatchComplianceLevel RejectedPatches:PatchIdList RejectedPatchesAction:PatchAction Sources:PatchSourceList AvailableSecurityUpdatesComplianceStatus:PatchComplianceStatus',
  CancelCommandRequest: 'CommandId InstanceIds:InstanceIdList',
  CancelMaintenanceWindowExecutionRequest: 'WindowExecutionId:MaintenanceWindowExecutionId',
  CloudWatchOutputConfig: 'CloudWatchLogGroupName',
  CommandFilter: 'key:CommandFilterKey value:CommandFilterValue',
  ComplianceExecutionSummary: 'ExecutionId:ComplianceExecutionId ExecutionType:ComplianceExecutionType',
  ComplianceItemEntry:
    'Title:ComplianceItemTitle Severity:ComplianceSeverity Status:ComplianceStatus Details:ComplianceItemDetails',
  ComplianceStringFilter:
    'Key:ComplianceStringFilterKey Values:ComplianceStringFilterValueList Type:ComplianceQueryOperatorType',
  CreateActivationRequest:
    'Description:ActivationDescription DefaultInstanceName IamRole RegistrationLimit Tags:TagList',
  CreateAssociationBatchRequest:
    'Entries:CreateAssociationBatchRequestEntries AssociationDispatchAssumeRole:AssociationDispatchAssumeRoleArn',
  CreateAssociationBatchRequestEntry:
    'Name:DocumentARN InstanceId AutomationTargetParameterName DocumentVersion Targets ScheduleExpression AssociationName MaxErrors MaxConcurrency ComplianceSeverity:AssociationComplianceSeverity SyncCompliance:AssociationSyncCompliance TargetLocations ScheduleOffset Duration TargetMaps',
  CreateAssociationRequest:
    'Name:DocumentARN DocumentVersion InstanceId Targets ScheduleExpression AssociationName AutomationTargetParameterName MaxErrors MaxConcurrency ComplianceSeverity:AssociationComplianceSeverity SyncCompliance:AssociationSyncCompliance TargetLocations ScheduleOffset Duration TargetMaps Tags:TagList AssociationDispatchAssumeRole:AssociationDispatchAssumeRoleArn',
  CreateDocumentRequest:
    'Content:DocumentContent Requires:DocumentRequiresList Attachments:AttachmentsSourceList Name:DocumentName DisplayName:DocumentDisplayName VersionName:DocumentVersionName DocumentType DocumentFormat TargetType Tags:TagList',
  CreateMaintenanceWindowRequest:
    'Name:MaintenanceWindowName Description:MaintenanceWindowDescription Schedule:MaintenanceWindowSchedule ScheduleOffset:MaintenanceWindowOffset Duration:MaintenanceWindowDurationHours Cutoff:MaintenanceWindowCutoff ClientToken Tags:TagList',
  CreateOpsItemRequest:
    'Description:OpsItemDescription OperationalData:OpsItemOperationalData Priority:OpsItemPriority Source:OpsItemSource Title:OpsItemTitle Tags:TagList Category:OpsItemCategory Severity:OpsItemSeverity AccountId:OpsItemAccountId',
  CreateOpsMetadataRequest: 'ResourceId:OpsMetadataResourceId Metadata:MetadataMap Tags:TagList',
  CreatePatchBaselineRequest:
    'OperatingSystem Name:BaselineName ApprovedPatches:PatchIdList ApprovedPatchesComplianceLevel:PatchComplianceLevel RejectedPatches:PatchIdList RejectedPatchesAction:PatchAction Description:BaselineDescription Sources:PatchSourceList AvailableSecurityUpdatesComplianceStatus:PatchComplianceStatus ClientToken Tags:TagList',
  CreateResourceDataSyncRequest: 'SyncName:ResourceDataSyncName SyncType:ResourceDataSyncType',
  DeleteActivationRequest: 'ActivationId',
  DeleteAssociationRequest: 'Name:DocumentARN InstanceId AssociationId',
  DeleteDocumentRequest: 'Name:DocumentName DocumentVersion VersionName:DocumentVersionName',
  DeleteInventoryRequest:
    'TypeName:InventoryItemTypeName SchemaDeleteOption:InventorySchemaDeleteOption ClientToken:UUID',
  DeleteMaintenanceWindowRequest: 'WindowId:MaintenanceWindowId',
  DeleteOpsItemRequest: 'OpsItemId',
  DeleteOpsMetadataRequest: 'OpsMetadataArn',
  DeleteParameterRequest: 'Name:PSParameterName',
  DeleteParametersRequest: 'Names:ParameterNameList',
  DeletePatchBaselineRequest: 'BaselineId',
  DeleteResourceDataSyncRequest: 'SyncName:ResourceDataSyncName SyncType:ResourceDataSyncType',
  DeleteResourcePolicyRequest: 'ResourceArn:ResourceArnString',
  DeregisterManagedInstanceRequest: 'InstanceId:ManagedInstanceId',
  DeregisterPatchBaselineForPatchGroupRequest: 'BaselineId PatchGroup',
  DeregisterTargetFromMaintenanceWindowRequest:
    'WindowId:MaintenanceWindowId WindowTargetId:MaintenanceWindowTargetId',
  DeregisterTaskFromMaintenanceWindowRequest:
    'WindowId:MaintenanceWindowId WindowTaskId:MaintenanceWindowTaskId',
  DescribeActivationsFilter: 'FilterKey:DescribeActivationsFilterKeys',
  DescribeActivationsRequest: 'MaxResults',
  DescribeAssociationExecutionTargetsRequest:
    'AssociationId ExecutionId:AssociationExecutionId Filters:AssociationExecutionTargetsFilterList MaxResults',
  DescribeAssociationExecutionsRequest: 'AssociationId Filters:AssociationExecutionFilterList MaxResults',
  DescribeAssociationRequest: 'Name:DocumentARN InstanceId AssociationId AssociationVersion',
  DescribeAutomationExecutionsRequest: 'Filters:AutomationExecutionFilterList MaxResults',
  DescribeAutomationStepExecutionsRequest: 'AutomationExecutionId Filters:StepExecutionFilterList MaxResults',
  DescribeAvailablePatchesRequest: 'Filters:PatchOrchestratorFilterList MaxResults:PatchBaselineMaxResults',
  DescribeDocumentPermissionRequest:
    'Name:DocumentName PermissionType:DocumentPermissionType MaxResults:DocumentPermissionMaxResults',
  DescribeDocumentRequest: 'Name:DocumentARN DocumentVersion VersionName:DocumentVersionName',
  DescribeEffectiveInstanceAssociationsRequest:
    'InstanceId MaxResults:EffectiveInstanceAssociationMaxResults',
  DescribeEffectivePatchesForPatchBaselineRequest: 'BaselineId MaxResults:PatchBaselineMaxResults',
  DescribeInstanceAssociationsStatusRequest: 'InstanceId MaxResults',
  DescribeInstanceInformationRequest: 'MaxResults:MaxResultsEC2Compatible',
  DescribeInstancePatchStatesForPatchGroupRequest:
    'PatchGroup Filters:InstancePatchStateFilterList MaxResults:PatchComplianceMaxResults',
  DescribeInstancePatchStatesRequest: 'InstanceIds:InstanceIdList MaxResults:PatchComplianceMaxResults',
  DescribeInstancePatchesRequest:
    'InstanceId Filters:PatchOrchestratorFilterList MaxResults:PatchComplianceMaxResults',
  DescribeInstancePropertiesRequest:
    'InstancePropertyFilterList FiltersWithOperator:InstancePropertyStringFilterList MaxResults:DescribeInstancePropertiesMaxResults',
  DescribeInventoryDeletionsRequest: 'DeletionId:UUID MaxResults',
  DescribeMaintenanceWindowExecutionTaskInvocationsRequest:
    'WindowExecutionId:MaintenanceWindowExecutionId TaskId:MaintenanceWindowExecutionTaskId Filters:MaintenanceWindowFilterList MaxResults:MaintenanceWindowMaxResults',
  DescribeMaintenanceWindowExecutionTasksRequest:
    'WindowExecutionId:MaintenanceWindowExecutionId Filters:MaintenanceWindowFilterList MaxResults:MaintenanceWindowMaxResults',
  DescribeMaintenanceWindowExecutionsRequest:
    'WindowId:MaintenanceWindowId Filters:MaintenanceWindowFilterList MaxResults:MaintenanceWindowMaxResults',
  DescribeMaintenanceWindowScheduleRequest:
    'WindowId:MaintenanceWindowId Targets ResourceType:MaintenanceWindowResourceType Filters:PatchOrchestratorFilterList MaxResults:MaintenanceWindowSearchMaxResults',
  DescribeMaintenanceWindowTargetsRequest:
    'WindowId:MaintenanceWindowId Filters:MaintenanceWindowFilterList MaxResults:MaintenanceWindowMaxResults',
  DescribeMaintenanceWindowTasksRequest:
    'WindowId:MaintenanceWindowId Filters:MaintenanceWindowFilterList MaxResults:MaintenanceWindowMaxResults',
  DescribeMaintenanceWindowsForTargetRequest:
    'Targets ResourceType:MaintenanceWindowResourceType MaxResults:MaintenanceWindowSearchMaxResults',
  DescribeMaintenanceWindowsRequest:
    'Filters:MaintenanceWindowFilterList MaxResults:MaintenanceWindowMaxResults',
  DescribeOpsItemsRequest: 'MaxResults:OpsItemMaxResults',
  DescribeParametersRequest: 'MaxResults',
  DescribePatchBaselinesRequest: 'Filters:PatchOrchestratorFilterList MaxResults:PatchBaselineMaxResults',
  DescribePatchGroupStateRequest: 'PatchGroup',
  DescribePatchGroupsRequest: 'MaxResults:PatchBaselineMaxResults Filters:PatchOrchestratorFilterList',
  DescribePatchPropertiesRequest: 'OperatingSystem Property:PatchProperty PatchSet MaxResults',
  DescribeSessionsRequest: 'State:SessionState MaxResults:SessionMaxResults Filters:SessionFilterList',
  DisassociateOpsItemRelatedItemRequest: 'OpsItemId',
  DocumentFilter: 'key:DocumentFilterKey value:DocumentFilterValue',
  DocumentKeyValuesFilter: 'Key:DocumentKeyValuesFilterKey Values:DocumentKeyValuesFilterValues',
  DocumentRequires: 'Name:DocumentARN Version:DocumentVersion RequireType VersionName:DocumentVersionName',
  DocumentReviewCommentSource: 'Type:DocumentReviewCommentType Content:DocumentReviewComment',
  DocumentReviews: 'Action:DocumentReviewAction Comment:DocumentReviewCommentList',
  GetAccessTokenRequest: 'AccessRequestId',
  GetAutomationExecutionRequest: 'AutomationExecutionId',
  GetCommandInvocationRequest: 'CommandId InstanceId PluginName:CommandPluginName',
  GetConnectionStatusRequest: 'Target:SessionTarget',
  GetDefaultPatchBaselineRequest: 'OperatingSystem',
  GetDeployablePatchSnapshotForInstanceRequest: 'InstanceId SnapshotId',
  GetDocumentRequest: 'Name:DocumentARN VersionName:DocumentVersionName DocumentVersion DocumentFormat',
  GetExecutionPreviewRequest: 'ExecutionPreviewId',
  GetInventoryRequest:
    'Filters:InventoryFilterList Aggregators:InventoryAggregatorList ResultAttributes:ResultAttributeList MaxResults',
  GetInventorySchemaRequest: 'TypeName:InventoryItemTypeNameFilter MaxResults:GetInventorySchemaMaxResults',
  GetMaintenanceWindowExecutionRequest: 'WindowExecutionId:MaintenanceWindowExecutionId',
  GetMaintenanceWindowExecutionTaskInvocationRequest:
    'WindowExecutionId:MaintenanceWindowExecutionId TaskId:MaintenanceWindowExecutionTaskId InvocationId:MaintenanceWindowExecutionTaskInvocationId',
  GetMaintenanceWindowExecutionTaskRequest:
    'WindowExecutionId:MaintenanceWindowExecutionId TaskId:MaintenanceWindowExecutionTaskId',
  GetMaintenanceWindowRequest: 'WindowId:MaintenanceWindowId',
  GetMaintenanceWindowTaskRequest: 'WindowId:MaintenanceWindowId WindowTaskId:MaintenanceWindowTaskId',
  GetOpsItemRequest: 'OpsItemId OpsItemArn',
  GetOpsMetadataRequest: 'OpsMetadataArn MaxResults:GetOpsMetadataMaxResults',
  GetOpsSummaryRequest:
    'SyncName:ResourceDataSyncName Filters:OpsFilterList Aggregators:OpsAggregatorList ResultAttributes:OpsResultAttributeList MaxResults',
  GetParameterHistoryRequest: 'Name:PSParameterName MaxResults',
  GetParameterRequest: 'Name:PSParameterName',
  GetParametersByPathRequest: 'Path:PSParameterName MaxResults:GetParametersByPathMaxResults',
  GetParametersRequest: 'Names:ParameterNameList',
  GetPatchBaselineForPatchGroupRequest: 'PatchGroup OperatingSystem',
  GetPatchBaselineRequest: 'BaselineId',
  GetResourcePoliciesRequest: 'ResourceArn:ResourceArnString MaxResults:ResourcePolicyMaxResults',
  GetServiceSettingRequest: 'SettingId:ServiceSettingId',
  InstanceInformationFilter: 'key:InstanceInformationFilterKey valueSet:InstanceInformationFilterValueSet',
  InstanceInformationStringFilter:
    'Key:InstanceInformationStringFilterKey Values:InstanceInformationFilterValueSet',
  InstancePatchStateFilter:
    'Key:InstancePatchStateFilterKey Values:InstancePatchStateFilterValues Type:InstancePatchStateOperatorType',
  InstancePropertyFilter: 'key:InstancePropertyFilterKey valueSet:InstancePropertyFilterValueSet',
  InstancePropertyStringFilter:
    'Key:InstancePropertyStringFilterKey Values:InstancePropertyFilterValueSet Operator:InstancePropertyFilterOperator',
  InventoryAggregator:
    'Expression:InventoryAggregatorExpression Aggregators:InventoryAggregatorList Groups:InventoryGroupList',
  InventoryFilter: 'Key:InventoryFilterKey Values:InventoryFilterValueList Type:InventoryQueryOperatorType',
  InventoryGroup: 'Name:InventoryGroupName Filters:InventoryFilterList',
  InventoryItem:
    'TypeName:InventoryItemTypeName SchemaVersion:InventoryItemSchemaVersion CaptureTime:InventoryItemCaptureTime ContentHash:InventoryItemContentHash Content:InventoryItemEntryList Context:InventoryItemContentContext',
  LabelParameterVersionRequest: 'Name:PSParameterName Labels:ParameterLabelList',
  ListAssociationVersionsRequest: 'AssociationId MaxResults',
  ListAssociationsRequest: 'AssociationFilterList MaxResults',
  ListCommandInvocationsRequest:
    'CommandId InstanceId MaxResults:CommandMaxResults Filters:CommandFilterList',
  ListCommandsRequest: 'CommandId InstanceId MaxResults:CommandMaxResults Filters:CommandFilterList',
  ListComplianceItemsRequest:
    'ResourceIds:ComplianceResourceIdList ResourceTypes:ComplianceResourceTypeList MaxResults',
  ListComplianceSummariesRequest: 'MaxResults',
  ListDocumentMetadataHistoryRequest:
    'Name:DocumentName DocumentVersion Metadata:DocumentMetadataEnum MaxResults',
  ListDocumentVersionsRequest: 'Name:DocumentARN MaxResults',
  ListDocumentsRequest: 'DocumentFilterList Filters:DocumentKeyValuesFilterList MaxResults',
  ListInventoryEntriesRequest:
    'InstanceId TypeName:InventoryItemTypeName Filters:InventoryFilterList MaxResults',
  ListNodesRequest: 'SyncName:ResourceDataSyncName Filters:NodeFilterList MaxResults',
  ListNodesSummaryRequest:
    'SyncName:ResourceDataSyncName Filters:NodeFilterList Aggregators:NodeAggregatorList MaxResults',
  ListOpsItemEventsRequest: 'MaxResults:OpsItemEventMaxResults',
  ListOpsItemRelatedItemsRequest: 'OpsItemId MaxResults:OpsItemRelatedItemsMaxResults',
  ListOpsMetadataRequest: 'Filters:OpsMetadataFilterList MaxResults:ListOpsMetadataMaxResults',
  ListResourceComplianceSummariesRequest: 'MaxResults',
  ListResourceDataSyncRequest: 'SyncType:ResourceDataSyncType MaxResults',
  ListTagsForResourceRequest: 'ResourceType:ResourceTypeForTagging',
  LoggingInfo: 'S3BucketName S3KeyPrefix S3Region',
  MaintenanceWindowAutomationParameters: 'DocumentVersion Parameters:AutomationParameterMap',
  MaintenanceWindowFilter: 'Key:MaintenanceWindowFilterKey Values:MaintenanceWindowFilterValues',
  MaintenanceWindowLambdaParameters:
    'ClientContext:MaintenanceWindowLambdaClientContext Qualifier:MaintenanceWindowLambdaQualifier Payload:MaintenanceWindowLambdaPayload',
  MaintenanceWindowRunCommandParameters:
    'Comment DocumentHash DocumentHashType DocumentVersion OutputS3BucketName:S3BucketName OutputS3KeyPrefix:S3KeyPrefix TimeoutSeconds',
  MaintenanceWindowStepFunctionsParameters:
    'Input:MaintenanceWindowStepFunctionsInput Name:MaintenanceWindowStepFunctionsName',
  MaintenanceWindowTaskParameterValueExpression: 'Values:MaintenanceWindowTaskParameterValueList',
  MetadataValue: 'Value:MetadataValueString',
  ModifyDocumentPermissionRequest:
    'Name:DocumentName PermissionType:DocumentPermissionType AccountIdsToAdd:AccountIdList AccountIdsToRemove:AccountIdList SharedDocumentVersion',
  NodeAggregator:
    'AggregatorType:NodeAggregatorType TypeName:NodeTypeName AttributeName:NodeAttributeName Aggregators:NodeAggregatorList',
  NodeFilter: 'Key:NodeFilterKey Values:NodeFilterValueList Type:NodeFilterOperatorType',
  NotificationConfig: 'NotificationEvents:NotificationEventList NotificationType',
  OpsAggregator:
    'AggregatorType:OpsAggregatorType TypeName:OpsDataTypeName AttributeName:OpsDataAttributeName Values:OpsAggregatorValueMap Filters:OpsFilterList Aggregators:OpsAggregatorList',
  OpsFilter: 'Key:OpsFilterKey Values:OpsFilterValueList Type:OpsFilterOperatorType',
  OpsItemDataValue: 'Value:OpsItemDataValueString Type:OpsItemDataType',
  OpsItemEventFilter:
    'Key:OpsItemEventFilterKey Values:OpsItemEventFilterValues Operator:OpsItemEventFilterOperator',
  OpsItemFilter: 'Key:OpsItemFilterKey Operator:OpsItemFilterOperator',
  OpsItemRelatedItemsFilter: 'Key:OpsItemRelatedItemsFilterKey Operator:OpsItemRelatedItemsFilterOperator',
  OpsMetadataFilter: 'Key:OpsMetadataFilterKey Values:OpsMetadataFilterValueList',
  OpsResultAttribute: 'TypeName:OpsDataTypeName',
  ParameterStringFilter:
    'Key:ParameterStringFilterKey Option:ParameterStringQueryOption Values:ParameterStringFilterValueList',
  ParametersFilter: 'Key:ParametersFilterKey Values:ParametersFilterValueList',
  PatchFilter: 'Key:PatchFilterKey Values:PatchFilterValueList',
  PatchFilterGroup: 'PatchFilters:PatchFilterList',
  PatchOrchestratorFilter: 'Key:PatchOrchestratorFilterKey Values:PatchOrchestratorFilterValues',
  PatchRule: 'ComplianceLevel:PatchComplianceLevel ApproveAfterDays ApproveUntilDate:PatchStringDateTime',
  PatchRuleGroup: 'PatchRules:PatchRuleList',
  PatchSource: 'Name:PatchSourceName Products:PatchSourceProductList Configuration:PatchSourceConfiguration',
  PutComplianceItemsRequest:
    'ResourceId:ComplianceResourceId ResourceType:ComplianceResourceType ComplianceType:ComplianceTypeName Items:ComplianceItemEntryList ItemContentHash:ComplianceItemContentHash UploadType:ComplianceUploadType',
  PutInventoryRequest: 'InstanceId Items:InventoryItemList',
  PutParameterRequest:
    'Name:PSParameterName Description:ParameterDescription Type:ParameterType KeyId:ParameterKeyId AllowedPattern Tags:TagList Tier:ParameterTier Policies:ParameterPolicies DataType:ParameterDataType',
  PutResourcePolicyRequest: 'ResourceArn:ResourceArnString Policy',
  RegisterDefaultPatchBaselineRequest: 'BaselineId',
  RegisterPatchBaselineForPatchGroupRequest: 'BaselineId PatchGroup',
  RegisterTargetWithMaintenanceWindowRequest:
    'WindowId:MaintenanceWindowId ResourceType:MaintenanceWindowResourceType Targets OwnerInformation Name:MaintenanceWindowName Description:MaintenanceWindowDescription ClientToken',
  RegisterTaskWithMaintenanceWindowRequest:
    'WindowId:MaintenanceWindowId Targets TaskArn:MaintenanceWindowTaskArn TaskType:MaintenanceWindowTaskType TaskParameters:MaintenanceWindowTaskParameters Priority:MaintenanceWindowTaskPriority MaxConcurrency MaxErrors Name:MaintenanceWindowName Description:MaintenanceWindowDescription ClientToken CutoffBehavior:MaintenanceWindowTaskCutoffBehavior',
  RegistrationMetadataItem: 'Key:RegistrationMetadataKey Value:RegistrationMetadataValue',
  RemoveTagsFromResourceRequest: 'ResourceType:ResourceTypeForTagging TagKeys:KeyList',
  ResetServiceSettingRequest: 'SettingId:ServiceSettingId',
  ResourceDataSyncAwsOrganizationsSource:
    'OrganizationSourceType:ResourceDataSyncOrganizationSourceType OrganizationalUnits:ResourceDataSyncOrganizationalUnitList',
  ResourceDataSyncDestinationDataSharing:
    'DestinationDataSharingType:ResourceDataSyncDestinationDataSharingType',
  ResourceDataSyncOrganizationalUnit: 'OrganizationalUnitId:ResourceDataSyncOrganizationalUnitId',
  ResourceDataSyncS3Destination:
    'BucketName:ResourceDataSyncS3BucketName Prefix:ResourceDataSyncS3Prefix SyncFormat:ResourceDataSyncS3Format Region:ResourceDataSyncS3Region AWSKMSKeyARN:ResourceDataSyncAWSKMSKeyARN',
  ResourceDataSyncSource:
    'SourceType:ResourceDataSyncSourceType SourceRegions:ResourceDataSyncSourceRegionList',
  ResultAttribute: 'TypeName:InventoryItemTypeName',
  ResumeSessionRequest: 'SessionId',
  Runbook:
    'DocumentName:DocumentARN DocumentVersion Parameters:AutomationParameterMap TargetParameterName:AutomationParameterKey Targets TargetMaps MaxConcurrency MaxErrors TargetLocations',
  S3OutputLocation: 'OutputS3Region:S3Region OutputS3BucketName:S3BucketName OutputS3KeyPrefix:S3KeyPrefix',
  SendAutomationSignalRequest: 'AutomationExecutionId SignalType Payload:AutomationParameterMap',
  SendCommandRequest:
    'InstanceIds:InstanceIdList Targets DocumentName:DocumentARN DocumentVersion DocumentHash DocumentHashType TimeoutSeconds Comment OutputS3Region:S3Region OutputS3BucketName:S3BucketName OutputS3KeyPrefix:S3KeyPrefix MaxConcurrency MaxErrors',
  SessionFilter: 'key:SessionFilterKey value:SessionFilterValue',
  StartAccessRequestRequest: 'Reason:String1to256 Targets Tags:TagList',
  StartAssociationsOnceRequest: 'AssociationIds:AssociationIdList',
  StartAutomationExecutionRequest:
    'DocumentName:DocumentARN DocumentVersion Parameters:AutomationParameterMap ClientToken:IdempotencyToken Mode:ExecutionMode TargetParameterName:AutomationParameterKey Targets TargetMaps MaxConcurrency MaxErrors TargetLocations Tags:TagList TargetLocationsURL',
  StartChangeRequestExecutionRequest:
    'DocumentName:DocumentARN DocumentVersion Parameters:AutomationParameterMap ChangeRequestName ClientToken:IdempotencyToken Runbooks Tags:TagList ChangeDetails:ChangeDetailsValue',
  StartExecutionPreviewRequest: 'DocumentName DocumentVersion',
  StartSessionRequest:
    'Target:SessionTarget DocumentName:DocumentARN Reason:SessionReason Parameters:SessionManagerParameters',
  StepExecutionFilter: 'Key:StepExecutionFilterKey Values:StepExecutionFilterValueList',
  StopAutomationExecutionRequest: 'AutomationExecutionId Type:StopType',
  Tag: 'Key:TagKey Value:TagValue',
  Target: 'Key:TargetKey Values:TargetValues',
  TargetLocation:
    'Accounts Regions TargetLocationMaxConcurrency:MaxConcurrency TargetLocationMaxErrors:MaxErrors ExecutionRoleName ExcludeAccounts Targets TargetsMaxConcurrency:MaxConcurrency TargetsMaxErrors:MaxErrors',
  TerminateSessionRequest: 'SessionId',
  UnlabelParameterVersionRequest: 'Name:PSParameterName Labels:ParameterLabelList',
  UpdateAssociationRequest:
    'AssociationId DocumentVersion ScheduleExpression Name:DocumentARN Targets AssociationName AssociationVersion AutomationTargetParameterName MaxErrors MaxConcurrency ComplianceSeverity:AssociationComplianceSeverity SyncCompliance:AssociationSyncCompliance TargetLocations ScheduleOffset Duration TargetMaps AssociationDispatchAssumeRole:AssociationDispatchAssumeRoleArn',
  UpdateAssociationStatusRequest: 'Name:DocumentARN InstanceId',
  UpdateDocumentDefaultVersionRequest: 'Name:DocumentName DocumentVersion:DocumentVersionNumber',
  UpdateDocumentMetadataRequest: 'Name:DocumentName DocumentVersion',
  UpdateDocumentRequest:
    'Content:DocumentContent Attachments:AttachmentsSourceList Name:DocumentName DisplayName:DocumentDisplayName VersionName:DocumentVersionName DocumentVersion DocumentFormat TargetType',
  UpdateMaintenanceWindowRequest:
    'WindowId:MaintenanceWindowId Name:MaintenanceWindowName Description:MaintenanceWindowDescription Schedule:MaintenanceWindowSchedule ScheduleOffset:MaintenanceWindowOffset Duration:MaintenanceWindowDurationHours Cutoff:MaintenanceWindowCutoff',
  UpdateMaintenanceWindowTargetRequest:
    'WindowId:MaintenanceWindowId WindowTargetId:MaintenanceWindowTargetId Targets OwnerInformation Name:MaintenanceWindowName Description:MaintenanceWindowDescription',
  UpdateMaintenanceWindowTaskRequest:
    'WindowId:MaintenanceWindowId WindowTaskId:MaintenanceWindowTaskId Targets TaskArn:MaintenanceWindowTaskArn TaskParameters:MaintenanceWindowTaskParameters Priority:MaintenanceWindowTaskPriority MaxConcurrency MaxErrors Name:MaintenanceWindowName Description:MaintenanceWindowDescription CutoffBehavior:MaintenanceWindowTaskCutoffBehavior',
  UpdateManagedInstanceRoleRequest: 'InstanceId:ManagedInstanceId IamRole',
  UpdateOpsItemRequest:
    'Description:OpsItemDescription OperationalData:OpsItemOperationalData Priority:OpsItemPriority Status:OpsItemStatus OpsItemId Title:OpsItemTitle Category:OpsItemCategory Severity:OpsItemSeverity OpsItemArn',
  UpdateOpsMetadataRequest:
    'OpsMetadataArn MetadataToUpdate:MetadataMap KeysToDelete:MetadataKeysToDeleteList',
  UpdatePatchBaselineRequest:
    'BaselineId Name:BaselineName ApprovedPatches:PatchIdList ApprovedPatchesComplianceLevel:PatchComplianceLevel RejectedPatches:PatchIdList RejectedPatchesAction:PatchAction Description:BaselineDescription Sources:PatchSourceList AvailableSecurityUpdatesComplianceStatus:PatchComplianceStatus',
  UpdateResourceDataSyncRequest: 'SyncName:ResourceDataSyncName SyncType:ResourceDataSyncType',
  UpdateServiceSettingRequest: 'SettingId:ServiceSettingId SettingValue:ServiceSettingValue',
};

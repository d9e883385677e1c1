# The function's environment, its role's policy and the trust, made of the variables. No provider is needed here, so
# that a test can hold the result against what the function itself says that it needs.

locals {
  environment = merge(
    {
      BUCKETS = join(",", var.buckets)
      DRY_RUN = tostring(var.dry_run)
    },
    length(var.exclude_buckets) == 0 ? {} : { EXCLUDE_BUCKETS = join(",", var.exclude_buckets) },
    length(var.prefixes) == 0 ? {} : { PREFIXES = jsonencode(var.prefixes) },
    length(var.exclude_prefixes) == 0 ? {} : { EXCLUDE_PREFIXES = jsonencode(var.exclude_prefixes) },
    var.report == "" ? {} : { REPORT = var.report },
    var.settings,
    var.secrets,
  )

  is_every_bucket = var.buckets == tolist(["*"])

  # qcs::cos:<region>:uid/<appid>:<name>/, to which a key can be appended.
  bucket_resources = local.is_every_bucket ? ["qcs::cos:*:uid/${var.appid}:*/"] : [
    for bucket in var.buckets : format(
      "qcs::cos:%s:uid/%s:%s/",
      split("@", bucket)[1], regex("[0-9]+$", split("@", bucket)[0]), split("@", bucket)[0],
    ) if !contains([for one in var.exclude_buckets : split("@", one)[0]], split("@", bucket)[0])
  ]
  key_resources = flatten([
    for resource in local.bucket_resources : [
      for prefix in length(var.prefixes) == 0 ? [""] : var.prefixes : "${resource}${prefix}*"
    ]
  ])

  report          = var.report == "" ? null : regex("^(?P<name>.*-(?P<appid>[0-9]+))@(?P<region>[^/]+)/(?P<prefix>.*?)/?$", var.report)
  reads_lifecycle = var.report != "" && lower(lookup(var.settings, "LIFECYCLE_COVERAGE", "true")) != "false"

  statements = concat(
    local.is_every_bucket ? [{ action = ["name/cos:GetService"], resource = ["*"] }] : [],
    [{ action = ["name/cos:ListMultipartUploads"], resource = local.bucket_resources }],
    local.reads_lifecycle ? [{
      action   = ["name/cos:GetBucketLifecycle", "name/cos:GetBucketObjectLock"]
      resource = local.bucket_resources
    }] : [],
    [{
      action   = concat(["name/cos:ListParts"], var.dry_run ? [] : ["name/cos:AbortMultipartUpload"])
      resource = local.key_resources
    }],
    local.report == null ? [] : [{
      action = ["name/cos:PutObject", "name/cos:GetObject", "name/cos:GetBucket"]
      resource = [format(
        "qcs::cos:%s:uid/%s:%s/%s/*",
        local.report.region, local.report.appid, local.report.name, local.report.prefix,
      )]
    }],
    [{
      action   = ["scf:InvokeFunction"]
      resource = ["qcs::scf:${var.region}:uin/${var.uin}:namespace/${var.namespace}/function/${var.name}"]
    }],
  )
  policy = {
    version   = "2.0"
    statement = [for one in local.statements : merge({ effect = "allow" }, one)]
  }
  # The provider takes lists alone where CAM takes a text as well.
  trust = {
    version = "2.0"
    statement = [{
      effect    = "allow"
      action    = ["name/sts:AssumeRole"]
      principal = { service = ["scf.qcloud.com"] }
    }]
  }
}

# Copy to terraform.tfvars. Every variable is explained in variables.tf.
uin     = "100000000001"
region  = "ap-guangzhou"
buckets = ["photos-1250000000@ap-guangzhou"]
report  = "reports-1250000000@ap-guangzhou/cos-sweeper"

# Read a report first. Then:
# dry_run = false
